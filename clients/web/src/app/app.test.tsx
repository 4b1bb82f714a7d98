import { Role } from "@drumbeat/api/drumbeat/policy/v1/policy_pb";
import { screen, waitFor, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { renderApp } from "../../testing/render-app";

vi.setConfig({ testTimeout: 20_000 });

const wait = { timeout: 10_000 };
const path = (router: ReturnType<typeof renderApp>["router"]) => router.state.location.href;

it("sends who is signed out to sign in, and back to where they were", async () => {
  const { router, user } = renderApp("/sites?state=insecure", { signedIn: false });
  await user.type(await screen.findByLabelText("E-mail", {}, wait), "ada@example.org");
  expect(path(router)).toBe("/sign-in?return=%2Fsites%3Fstate%3Dinsecure");
  await user.type(screen.getByLabelText("Password"), "wrong");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect((await screen.findByRole("alert")).textContent).toContain("wrong");
  await user.clear(screen.getByLabelText("Password"));
  await user.type(screen.getByLabelText("Password"), "right enough");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  await screen.findByRole("heading", { name: "Sites" }, wait);
  expect(path(router)).toBe("/sites?state=insecure");
});

it("goes to the sign-in page when the session ends while a page is open", async () => {
  const { fake, router, user } = renderApp("/sites");
  await user.click(await screen.findByRole("link", { name: "Alpine Museum" }, wait));
  await screen.findByRole("heading", { name: "Alpine Museum" }, wait);
  fake.signOut();
  await user.click(screen.getByRole("tab", { name: "Patch runs" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/sign-in"), wait);
});

it("shows the site list, sorted as its address says", async () => {
  const { router, user } = renderApp("/sites?sort=name");
  const table = await screen.findByRole("table", {}, wait);
  expect(within(table).getAllByRole("row").length).toBe(13);
  expect(within(table).getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("ascending");
  await user.click(within(table).getByRole("button", { name: "Updates" }));
  await waitFor(() => expect(path(router)).toBe("/sites?sort=updates+desc"));
});

it("counts for each site what is unsupported, outdated, unchecked and fine", async () => {
  renderApp("/sites?sort=name");
  const table = await screen.findByRole("table", {}, wait);
  const row = within(table).getByRole("row", { name: /^Alpine Museum/ });
  const counts = within(row).getAllByTitle(/^\d+ (unsupported|outdated|unchecked|up to date)$/);
  expect(counts.length).toBeGreaterThan(0);
  for (const count of counts) expect(count.textContent).toBe(count.getAttribute("title"));
});

it("searches a moment after the last key and keeps it in the address", async () => {
  const { router, user } = renderApp("/sites");
  await user.type(await screen.findByRole("searchbox", {}, wait), "harbour");
  await waitFor(() => expect(path(router)).toBe("/sites?q=harbour"), wait);
  await waitFor(() => expect(within(screen.getByRole("table")).getAllByRole("row").length).toBe(3), wait);
});

it("turns pages by cursor, there and back", async () => {
  const { router, user } = renderApp("/sites?sort=name", { sites: 120 });
  await user.click(await screen.findByRole("link", { name: "Next" }, wait));
  await waitFor(() => expect(screen.getByText("51 to 100")).toBeTruthy(), wait);
  await user.click(await screen.findByRole("link", { name: "Next" }, wait));
  await waitFor(() => expect(screen.getByText("101 to 120")).toBeTruthy(), wait);
  await user.click(screen.getByRole("link", { name: "Previous" }));
  await waitFor(() => expect(screen.getByText("51 to 100")).toBeTruthy(), wait);
  await user.click(screen.getByRole("link", { name: "Previous" }));
  await waitFor(() => expect(path(router)).toBe("/sites?sort=name"));
});

it("offers the first page where a page's address is too old", async () => {
  const { user, router } = renderApp("/sites?page=gone");
  await user.click(await screen.findByRole("button", { name: "Go to the first page" }, wait));
  await screen.findByRole("table", {}, wait);
  expect(path(router)).toBe("/sites");
});

it("teaches how to connect a first site", async () => {
  renderApp("/sites", { sites: 0 });
  await screen.findByRole("heading", { name: "Connect your first site" }, wait);
  expect(screen.getByRole("link", { name: "Add a site" })).toBeTruthy();
});

it("puts security first and never shows the unchecked as fine", async () => {
  renderApp("/sites/018f0001-0000-7000-8000-000000000002");
  const security = await screen.findByRole("list", { name: "Security" }, wait);
  expect(within(security).getAllByRole("listitem").length).toBe(3);
  for (const word of ["Insecure", "Revoked", "Unsupported"]) expect(within(security).getByText(word)).toBeTruthy();
  const unchecked = screen.getByRole("list", { name: "Could not be checked" });
  expect(within(unchecked).getByText("ACME Connector")).toBeTruthy();
  expect(within(screen.getByRole("list", { name: "Up to date" })).queryByText("ACME Connector")).toBeNull();
  const headings = screen.getAllByRole("heading", { level: 2 }).map((heading) => heading.textContent);
  expect(headings[0]).toBe("Security");
});

it("hides from a developer what a developer may not do", async () => {
  renderApp("/sites/018f0001-0000-7000-8000-000000000002", { role: Role.DEVELOPER });
  await screen.findByRole("list", { name: "Security" }, wait);
  expect(screen.queryByRole("button", { name: "Edit" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  expect(screen.queryByRole("tab", { name: "Keys" })).toBeNull();
});

it("lets a user edit, but not delete", async () => {
  const { user } = renderApp("/sites/018f0001-0000-7000-8000-000000000002", { role: Role.USER });
  await user.click(await screen.findByRole("button", { name: "Edit" }, wait));
  expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  const name = screen.getByLabelText("Name");
  await user.clear(name);
  await user.type(name, "New name");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByRole("heading", { name: "New name" }, wait);
});

it("deletes only once the name is typed", async () => {
  const { user, router } = renderApp("/sites/018f0001-0000-7000-8000-000000000002");
  await user.click(await screen.findByRole("button", { name: "Delete" }, wait));
  const confirm = await screen.findByRole("button", { name: "Delete site" }, wait);
  expect(confirm.hasAttribute("disabled")).toBe(true);
  await user.type(screen.getByLabelText("Type the name to confirm"), "Alpine Museum");
  await user.click(confirm);
  await waitFor(() => expect(path(router)).toBe("/sites"), wait);
});

it("adds a site, shows its key, and sees the first report arrive by itself", async () => {
  const { fake, user } = renderApp("/sites/new");
  await user.type(await screen.findByLabelText("Name", {}, wait), "Shop");
  await user.type(screen.getByLabelText("URL"), "ftp://shop.example");
  await user.click(screen.getByRole("button", { name: "Add site" }));
  expect(screen.getByText("Must begin with http:// or https:// and name a host.")).toBeTruthy();
  await user.clear(screen.getByLabelText("URL"));
  await user.type(screen.getByLabelText("URL"), "shop.example");
  await user.click(screen.getByRole("button", { name: "Add site" }));
  const key = (await screen.findByTestId("site-key", {}, wait)).textContent;
  await user.click(screen.getByRole("tab", { name: "Try it with curl" }));
  const line = (await screen.findByTestId("curl-line")).textContent;
  expect(line).toContain(`Authorization: Bearer ${key}`);
  expect(screen.getByText(/Waiting for the first report/)).toBeTruthy();

  const entry = fake.entries.at(-1);
  if (!entry) throw new Error("no site was made");
  expect(entry.site.url).toBe("https://shop.example");
  entry.site.lastReportAt = fake.entries[0]?.site.lastReportAt;
  fake.notify(entry.site.id);
  await screen.findByText("First report received", {}, wait);
});

it("shows a site's keys, and revokes one after asking", async () => {
  const { user } = renderApp("/sites/018f0001-0000-7000-8000-000000000002?tab=keys");
  await user.click(await screen.findByRole("button", { name: /Revoke the key/ }, wait));
  await user.click(await screen.findByRole("button", { name: "Revoke key" }, wait));
  await waitFor(() => expect(screen.queryByRole("button", { name: /Revoke the key/ })).toBeNull(), wait);
});

it("puts what the server objects to at the field", async () => {
  const { user } = renderApp("/profile");
  await user.type(await screen.findByLabelText("Current password", {}, wait), "wrong");
  await user.type(screen.getByLabelText("New password"), "a new password");
  await user.click(screen.getByRole("button", { name: "Change password" }));
  await waitFor(() =>
    expect(screen.getByLabelText("Current password").getAttribute("aria-invalid")).toBe("true"),
  );
});

it("has a page for addresses that do not exist", async () => {
  renderApp("/no/such/page");
  await screen.findByRole("heading", { name: "This page does not exist" }, wait);
});

it("says why on demand: what decided, since when, and what one would skip, oldest first", async () => {
  const { user } = renderApp("/sites/018f0001-0000-7000-8000-000000000002");
  await user.click(await screen.findByRole("button", { name: "Details of Drupal core" }, wait));
  const evidence = await screen.findByTestId("evidence", {}, wait);
  expect(evidence.textContent).toContain("The installed release itself carries the mark Insecure.");
  expect(evidence.textContent).toContain("By the rules of Drupal 10.3 and later.");
  expect(within(evidence).getByText("Insecure since")).toBeTruthy();
  const skipped = within(evidence).getByRole("list", { name: "Security releases, oldest first" });
  expect(within(skipped).getAllByRole("link").map((link) => link.textContent?.match(/[\d.]+/)?.[0])).toEqual(["10.3.6", "10.3.9", "10.3.10"]);
  expect(evidence.textContent).toContain("Not with this site's core");
  expect(evidence.textContent).toContain("Release history at drupal.org, series current.");
});

it("shows an ended platform as one state, not as many alarms", async () => {
  const { user } = renderApp("/sites?state=eol");
  await user.click(await screen.findByRole("link", { name: "Orchard Clinic" }, wait));
  await screen.findByText(/Drupal 7 reached its end of life on 2025-01-05/, {}, wait);
  const ended = await screen.findByRole("list", { name: "Unsupported with the platform" }, wait);
  expect(within(ended).getAllByRole("listitem").length).toBe(10);
  expect(within(screen.getByRole("list", { name: "Security" })).getAllByRole("listitem").length).toBe(1);
  expect(screen.getByText("1 unsupported")).toBeTruthy();
});

it("shows superusers how fresh the feeds are, and nobody else", async () => {
  const { user } = renderApp("/admin/feeds", { superuser: true });
  const list = await screen.findByRole("list", { name: "Feeds" }, wait);
  expect(within(list).getAllByRole("listitem").length).toBe(27);
  await user.click(screen.getByRole("link", { name: /^Failed/ }));
  await waitFor(() => expect(within(screen.getByRole("list", { name: "Feeds" })).getAllByRole("listitem").length).toBe(1), wait);
  expect(screen.getByText(/the server answered 503 Service Unavailable, 4 times in a row/)).toBeTruthy();
  expect(screen.getByRole("link", { name: "Administration" })).toBeTruthy();
});

it("keeps the administrators' pages from everybody else", async () => {
  renderApp("/admin/overrides");
  await screen.findByRole("heading", { name: "For superusers only" }, wait);
  expect(screen.queryByRole("link", { name: "Administration" })).toBeNull();
});

it("lets a superuser say otherwise, and take it back", async () => {
  const { user } = renderApp("/admin/overrides", { superuser: true });
  await user.click(await screen.findByRole("button", { name: "New override" }, wait));
  await user.click(screen.getByRole("button", { name: "Say so" }));
  expect(screen.getAllByText("Please fill this in.").length).toBe(3);
  await user.type(screen.getByLabelText(/^Project/), "token");
  await user.type(screen.getByLabelText(/^Note/), "patched");
  await user.type(screen.getByLabelText(/^Why/), "our build");
  await user.click(screen.getByRole("button", { name: "Say so" }));
  await screen.findByText("It is in force: 1 installed version is judged otherwise.", {}, wait);
  await user.click(await screen.findByRole("button", { name: "Remove the override of token" }, wait));
  await user.click(await screen.findByRole("button", { name: "Remove" }, wait));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Remove the override of token" })).toBeNull(), wait);
});
