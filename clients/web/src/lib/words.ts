import { Role } from "@drumbeat/api/drumbeat/policy/v1/policy_pb";
import { ModuleStatus, PlatformState, SiteState } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";

/** How bad something is. Never told by colour alone: each goes with a word. */
export type Tone = "danger" | "warning" | "notice" | "good" | "unknown" | "neutral";

export type Word = { label: string; short?: string; tone: Tone; hint: string };

const UNKNOWN: Word = {
  label: "Not checked",
  tone: "unknown",
  hint: "There is no verdict yet. This does not mean that it is fine.",
};

/** What a verdict is called, everywhere. */
export function describeStatus(status: ModuleStatus): Word {
  switch (status) {
    case ModuleStatus.NOT_SECURE:
      return { label: "Insecure", tone: "danger", hint: "The installed release has a known security problem." };
    case ModuleStatus.REVOKED:
      return { label: "Revoked", tone: "danger", hint: "The installed release was withdrawn on drupal.org." };
    case ModuleStatus.NOT_SUPPORTED:
      return {
        label: "Unsupported",
        tone: "warning",
        hint: "Nobody maintains this release any more, so that security problems stay open.",
      };
    case ModuleStatus.NOT_CURRENT:
      return {
        label: "Update available",
        short: "Update",
        tone: "notice",
        hint: "There is a newer release to go to.",
      };
    case ModuleStatus.CURRENT:
      return { label: "Up to date", tone: "good", hint: "The recommended release is installed." };
    case ModuleStatus.UNKNOWN:
      return {
        label: "Unknown",
        tone: "unknown",
        hint: "drupal.org's data does not say. This does not mean that it is fine.",
      };
    case ModuleStatus.NOT_FETCHED:
      return {
        label: "No data",
        tone: "unknown",
        hint: "drupal.org's data could not be fetched. This does not mean that it is fine.",
      };
    case ModuleStatus.NOT_CHECKED:
    case ModuleStatus.UNSPECIFIED:
      return UNKNOWN;
  }
}

/** The states that the site list can be narrowed to, by their name in the URL. */
export const SITE_STATES = {
  insecure: { state: SiteState.INSECURE, label: "Insecure", tone: "danger" },
  unsupported: { state: SiteState.UNSUPPORTED, label: "Unsupported", tone: "warning" },
  eol: { state: SiteState.END_OF_LIFE, label: "End of life", tone: "warning" },
  outdated: { state: SiteState.OUTDATED, label: "Updates", tone: "notice" },
  unknown: { state: SiteState.UNKNOWN, label: "Unchecked", tone: "unknown" },
  current: { state: SiteState.CURRENT, label: "Up to date", tone: "good" },
  waiting: { state: SiteState.WAITING, label: "Waiting", tone: "neutral" },
  silent: { state: SiteState.SILENT, label: "Silent", tone: "neutral" },
} as const satisfies Record<string, { state: SiteState; label: string; tone: Tone }>;

/** What to say of a version of Drupal that is not simply supported; undefined for the rest. */
export function describePlatform(state: PlatformState): { label: string; tone: Tone } | undefined {
  switch (state) {
    case PlatformState.END_OF_LIFE:
      return { label: "End of life", tone: "warning" };
    case PlatformState.ENDING:
      return { label: "Ends soon", tone: "notice" };
    default:
      return undefined;
  }
}

export type SiteStateName = keyof typeof SITE_STATES;

export function describeRole(role: Role): string {
  switch (role) {
    case Role.ORGANIZATION_ADMIN:
      return "Administrator";
    case Role.USER:
      return "User";
    case Role.DEVELOPER:
      return "Developer (reads only)";
    case Role.UNSPECIFIED:
      return "No role";
  }
}

/** Why a site reported, as in a report's `trigger`. */
export function describeTrigger(trigger: string): string {
  switch (trigger) {
    case "cron":
      return "seen by cron";
    case "post-update":
      return "after an update";
    case "install":
      return "when Drumbeat was installed";
    case "manual":
      return "sent by hand";
    case "ci":
      return "sent by CI";
    default:
      return trigger;
  }
}
