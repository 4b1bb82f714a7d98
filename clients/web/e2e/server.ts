import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const administrator = {
  email: "ada@example.org",
  password: "correct horse battery staple",
  name: "Ada Admin",
  organization: "Northwind Agency",
};

export type RunningServer = {
  /** The address of the page, without a slash at the end. */
  origin: string;
  /** Everything printed so far, for when something fails. */
  output(): string;
  stop(): Promise<void>;
};

/**
 * Starts the real binary with data of its own, on a free port, with the feeds
 * in this folder. `DRUMBEAT_BINARY` names another binary than bin/drumbeat.
 *
 * @param unattended makes the first administrator by environment variables.
 */
export async function startServer({ unattended }: { unattended: boolean }): Promise<RunningServer> {
  const binary = process.env["DRUMBEAT_BINARY"] || fileURLToPath(new URL("../../../bin/drumbeat", import.meta.url));
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run \`make build\` first`);
  const dataDir = mkdtempSync(join(tmpdir(), "drumbeat-browser-"));
  // Started by root, the database runs as another user, who has to get in.
  chmodSync(dataDir, 0o755);
  const feeds = fileURLToPath(new URL("./feeds", import.meta.url));
  const environment = { ...process.env };
  // Settings of whoever runs the test must not reach the server under test.
  for (const name of Object.keys(environment)) {
    if (name.startsWith("DRUMBEAT_") || name === "DATABASE_URL" || name === "REDIS_URL") delete environment[name];
  }
  if (unattended) {
    environment["DRUMBEAT_ADMIN_EMAIL"] = administrator.email;
    environment["DRUMBEAT_ADMIN_PASSWORD"] = administrator.password;
    environment["DRUMBEAT_ADMIN_NAME"] = administrator.name;
    environment["DRUMBEAT_ORGANIZATION"] = administrator.organization;
  }
  const child = spawn(binary, ["serve", "--data-dir", dataDir, "--listen", "127.0.0.1:0", "--feeds", feeds], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);

  const stop = async () => {
    await exited(child, () => child.kill("SIGTERM"));
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const origin = await new Promise<string>((resolve, reject) => {
      const failed = (reason: string) => reject(new Error(`the server ${reason}; it printed:\n${output}`));
      const timer = setTimeout(() => failed("did not come up within 90 seconds"), 90_000);
      child.on("error", (error) => failed(`could not be started: ${error.message}`));
      child.on("exit", (code) => failed(`exited with ${code}`));
      child.stdout.on("data", () => {
        const address = /^\s*Open\s+(http:\/\/\S+)/m.exec(output)?.[1];
        // The last line of what it prints at the start.
        if (!address || !output.includes("Ctrl-C")) return;
        clearTimeout(timer);
        resolve(address.replace(/\/$/, ""));
      });
    });
    child.removeAllListeners("exit");
    return { origin, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function exited(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    end();
  });
}
