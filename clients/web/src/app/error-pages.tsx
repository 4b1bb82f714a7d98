import { Button, Loader } from "@mantine/core";
import { Link, type ErrorComponentProps } from "@tanstack/react-router";
import { EmptyState } from "@/components/ui/empty-state";
import { useDocumentTitle } from "@/components/ui/page";

export function NotFoundPage() {
  useDocumentTitle("Page not found");
  return (
    <main id="main" className="page page--narrow">
      <EmptyState icon="question" level={1} title="This page does not exist" actions={<Link to="/sites">Go to the sites</Link>}>
        <p>The address may be mistyped, or what was here has been removed.</p>
      </EmptyState>
    </main>
  );
}

/** Catches what a page throws while it is drawn. The rest of the application goes on. */
export function ErrorPage({ reset }: ErrorComponentProps) {
  useDocumentTitle("Error");
  return (
    <main id="main" className="page page--narrow">
      <EmptyState
        icon="alert"
        level={1}
        title="This page broke"
        actions={
          <>
            <Button onClick={reset}>Try again</Button>
            <Button variant="default" onClick={() => location.reload()}>
              Reload
            </Button>
          </>
        }
      >
        <p>Something in the page failed. Your data is not affected. If it happens again after a reload, please tell whoever runs this server.</p>
      </EmptyState>
    </main>
  );
}

export function PendingPage() {
  return (
    <div style={{ display: "grid", placeItems: "center", minHeight: "40vh" }}>
      <Loader aria-label="Loading" />
    </div>
  );
}
