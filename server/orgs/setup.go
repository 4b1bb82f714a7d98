package orgs

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/plaintext"
)

// FirstAdministrator is what it takes to make the first user, a superuser, and
// their organisation.
type FirstAdministrator struct {
	Organization string
	Name         string
	Email        string
	Password     string
}

// SetupNeeded says whether there is no user yet.
func (s *Service) SetupNeeded(ctx context.Context) (bool, error) {
	has, err := s.store.hasUsers(ctx, s.store.pool)
	if err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return !has, nil
}

// NewSetupToken makes the token for the set-up page, good until it is used or
// a newer one is made. It is empty when there are users already.
func (s *Service) NewSetupToken(ctx context.Context) (string, error) {
	token := newToken()
	err := s.store.inTx(ctx, func(st *store) error {
		if err := st.lockSetup(ctx); err != nil {
			return err
		}
		has, err := st.hasUsers(ctx, st.tx)
		if err != nil || has {
			token = ""
			return err
		}
		return st.addSetupToken(ctx, hashToken(token), s.now())
	})
	if err != nil {
		return "", fmt.Errorf("make a set-up link: %w", err)
	}
	return token, nil
}

// CompleteSetup makes the first administrator with a set-up token, and signs
// them in: it gives the token for the cookie. Of any number of calls at once
// exactly one succeeds. The error is fault.Precondition when there are users
// already, fault.Forbidden for a wrong token, and fault.Invalid for the rest.
func (s *Service) CompleteSetup(ctx context.Context, setupToken string, in FirstAdministrator, from Origin) (User, string, error) {
	hash := hashToken(setupToken)
	check := func(st *store) error {
		has, err := st.hasUsers(ctx, st.handle())
		if err != nil {
			return err
		}
		if has {
			return fault.New(fault.Precondition, "the first administrator was made already; sign in")
		}
		ok, err := st.isNewestSetupToken(ctx, hash)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Forbidden, "this link is not valid; use the newest one that the server printed")
		}
		return nil
	}
	// Once before the expensive hash, and once more under the lock.
	if err := check(s.store); err != nil {
		return User{}, "", err
	}
	var session string
	var id int64
	err := s.createFirst(ctx, in, check, func(st *store, userID int64) error {
		id = userID
		var err error
		session, err = s.startSession(ctx, st, userID, from)
		return err
	})
	if err != nil {
		return User{}, "", err
	}
	user, err := s.CurrentUser(ctx, Caller{UserID: id, Superuser: true})
	if err != nil {
		return User{}, "", err
	}
	return user, session, nil
}

// CreateFirstAdministrator is for installations without a person: it makes the
// first administrator unless there are users, and says whether it did.
func (s *Service) CreateFirstAdministrator(ctx context.Context, in FirstAdministrator) (bool, error) {
	made := true
	errDone := fault.New(fault.Precondition, "there are users")
	err := s.createFirst(ctx, in, func(st *store) error {
		has, err := st.hasUsers(ctx, st.handle())
		if err == nil && has {
			return errDone
		}
		return err
	}, func(*store, int64) error { return nil })
	if errors.Is(err, errDone) {
		return false, nil
	}
	return made && err == nil, err
}

func (s *Service) createFirst(ctx context.Context, in FirstAdministrator, check func(*store) error, then func(*store, int64) error) error {
	var err error
	if in.Name, err = requiredLine("name", in.Name); err != nil {
		return err
	}
	if in.Organization, err = requiredLine("organization_name", in.Organization); err != nil {
		return err
	}
	in.Email = strings.TrimSpace(in.Email)
	if a, err := mail.ParseAddress(in.Email); err != nil || a.Address != in.Email {
		return fault.Field("email", "must be an e-mail address")
	}
	if err := checkNewPassword("password", in.Password, in.Name, in.Email); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return err
	}
	return s.store.inTx(ctx, func(st *store) error {
		if err := st.lockSetup(ctx); err != nil {
			return err
		}
		if err := check(st); err != nil {
			return err
		}
		id, err := st.createFirst(ctx, in, hash, s.now())
		if err != nil {
			return fmt.Errorf("create the first administrator: %w", err)
		}
		return then(st, id)
	})
}

// requiredLine tidies a name that must not be empty.
func requiredLine(field, value string) (string, error) {
	line, err := plaintext.Line(value)
	if err != nil {
		return "", fault.Field(field, "%v", err)
	}
	if line == "" {
		return "", fault.Field(field, "must not be empty")
	}
	return line, nil
}
