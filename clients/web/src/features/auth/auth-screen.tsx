import type { ReactNode } from "react";
import { Logo } from "@/components/ui/logo";
import classes from "./auth.module.css";

/** The frame of the pages before the sign-in. */
export function AuthScreen({ title, intro, children }: { title: string; intro?: ReactNode; children: ReactNode }) {
  return (
    <main id="main" className={classes.screen}>
      <div className={classes.panel}>
        <div className={classes.brand}>
          <Logo size={36} />
          Drumbeat
        </div>
        <div className={`card ${classes.card} stack`}>
          <div>
            <h1>{title}</h1>
            {intro && <p className="soft">{intro}</p>}
          </div>
          {children}
        </div>
      </div>
    </main>
  );
}
