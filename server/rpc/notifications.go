package rpc

import (
	"context"

	notificationsv1 "drumbeat/gen/go/drumbeat/notifications/v1"
	"drumbeat/server/notifications"
)

// notificationsHandler serves NotificationsService.
type notificationsHandler struct {
	notifications *notifications.Service
}

var frequencies = map[notificationsv1.Frequency]notifications.Frequency{
	notificationsv1.Frequency_FREQUENCY_OFF:         notifications.Off,
	notificationsv1.Frequency_FREQUENCY_IMMEDIATELY: notifications.Immediately,
	notificationsv1.Frequency_FREQUENCY_DAILY:       notifications.Daily,
	notificationsv1.Frequency_FREQUENCY_WEEKLY:      notifications.Weekly,
}

func frequencyMessage(f notifications.Frequency) notificationsv1.Frequency {
	for m, known := range frequencies {
		if known == f {
			return m
		}
	}
	return notificationsv1.Frequency_FREQUENCY_UNSPECIFIED
}

func (h *notificationsHandler) GetPreferences(ctx context.Context, _ *notificationsv1.GetPreferencesRequest) (*notificationsv1.GetPreferencesResponse, error) {
	p, err := h.notifications.Preferences(ctx, actorFrom(ctx).Caller)
	if err != nil {
		return nil, err
	}
	return &notificationsv1.GetPreferencesResponse{Preferences: preferencesMessage(p)}, nil
}

func (h *notificationsHandler) UpdatePreferences(ctx context.Context, req *notificationsv1.UpdatePreferencesRequest) (*notificationsv1.UpdatePreferencesResponse, error) {
	p := notifications.Preferences{
		Security: frequencies[req.GetPreferences().GetSecurity()], Other: frequencies[req.GetPreferences().GetOther()],
		Emails: req.GetPreferences().GetEmails(), Disabled: req.GetPreferences().GetDisabled(),
	}
	if err := h.notifications.SetPreferences(ctx, actorFrom(ctx).Caller, p); err != nil {
		return nil, err
	}
	return &notificationsv1.UpdatePreferencesResponse{Preferences: preferencesMessage(p)}, nil
}

func preferencesMessage(p notifications.Preferences) *notificationsv1.Preferences {
	return &notificationsv1.Preferences{
		Security: frequencyMessage(p.Security), Other: frequencyMessage(p.Other), Emails: p.Emails, Disabled: p.Disabled,
	}
}
