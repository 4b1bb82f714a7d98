import { useQuery } from "@connectrpc/connect-query";
import { SitesService, type Site } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Loader, Tabs } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { CodeBlock } from "@/components/ui/code-block";
import { Notice } from "@/components/ui/notice";
import { connectionString, curlLine, isPlainHttp, settingsLines } from "./connect-lines";

/** A site's key, shown this once, and what to do with it. */
export function ConnectPanel({ site, siteKey }: { site: Site; siteKey: string }) {
  // Made once, so that what was copied is what stands here.
  const [curl] = useState(() => curlLine(location.origin, siteKey, site, new Date()));
  return (
    <div className="stack">
      <Notice tone="warning" title="Copy the key now">
        It is shown only this once; the server keeps nothing it could show again. If it gets lost, make another one on
        the site’s page.
      </Notice>
      <CodeBlock label="Site key" text={siteKey} testId="site-key" />
      <Tabs defaultValue="drupal" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="drupal">Drupal module</Tabs.Tab>
          <Tabs.Tab value="curl">Try it with curl</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="drupal" pt="md">
          <div className="stack">
            <div className="stack stack--tight">
              <p>
                With the Drumbeat module installed, open <strong>Configuration → System → Drumbeat</strong> on the site
                and paste this connection string. It holds the address, the site and the key.
              </p>
              <CodeBlock
                label="Connection string"
                text={connectionString(location.origin, siteKey, site)}
                testId="connection-string"
              />
            </div>
            <div className="stack stack--tight">
              <p>
                Or keep the key out of the site’s database: put these lines into its <code>settings.php</code> instead.
              </p>
              <CodeBlock
                label="Lines for settings.php"
                text={settingsLines(location.origin, siteKey, site)}
                testId="settings-lines"
              />
            </div>
            {isPlainHttp(location.origin) && (
              <Notice tone="warning" title="This address is not encrypted">
                The key would cross the network in clear. The module refuses that unless <code>settings.php</code> says{" "}
                <code>allow_http</code>. Better put this server behind https first.
              </Notice>
            )}
            <p className="soft small">The next run of cron sends the first report.</p>
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="curl" pt="md">
          <div className="stack stack--tight">
            <p>
              Paste this into a terminal to see the whole way work. It sends a small <strong>example</strong> inventory,
              not what the site really runs; the site’s own first report takes its place.
            </p>
            <CodeBlock label="curl command" text={curl} testId="curl-line" />
          </div>
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

/** Waits for a site's first report, and says when it is there. */
export function FirstReport({ siteId }: { siteId: string }) {
  const { data } = useQuery(
    SitesService.method.getSite,
    { siteId },
    // The live stream is faster; this is for when there is none.
    { refetchInterval: (query) => (query.state.data?.site?.lastReportAt ? false : 5_000) },
  );
  const arrived = Boolean(data?.site?.lastReportAt);
  return (
    <div role="status">
      {arrived ? (
        <Notice
          tone="good"
          title="First report received"
          actions={
            <Button size="sm" renderRoot={(props) => <Link to="/sites/$siteId" params={{ siteId }} {...props} />}>
              See what the site runs
            </Button>
          }
        >
          The site is connected.
        </Notice>
      ) : (
        <div className="row soft">
          <Loader size="sm" type="dots" aria-hidden="true" />
          <span>Waiting for the first report. This page changes by itself when it arrives.</span>
        </div>
      )}
    </div>
  );
}
