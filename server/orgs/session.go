package orgs

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"drumbeat/server/platform/fault"
)

const (
	// SessionIdle ends a session that is not used for so long.
	SessionIdle = 12 * time.Hour
	// SessionLifetime ends every session, however much it is used.
	SessionLifetime = 30 * 24 * time.Hour
	// touchEvery bounds how often the use of a session is written down.
	touchEvery = time.Minute
)

// Origin is where a call comes from, as kept with a session.
type Origin struct {
	// Address is an IP address.
	Address   string
	UserAgent string
}

// User is a person with the organisations they can open.
type User struct {
	ID          uuid.UUID
	Name        string
	Email       string
	Superuser   bool
	Memberships []Membership
}

// Membership is a user's place in an organisation.
type Membership struct {
	OrganizationID   uuid.UUID
	OrganizationName string
	Role             Role
}

// ErrSignedOut says that a call needs a session and has none that is alive.
func ErrSignedOut() error {
	return fault.New(fault.Unauthenticated, "sign in first")
}

// Authenticate says who has the session token. The error is of kind
// fault.Unauthenticated for a token that is unknown, expired or idle, and for
// an account that was switched off.
func (s *Service) Authenticate(ctx context.Context, token string) (Caller, error) {
	if token == "" || len(token) > 128 {
		return Caller{}, ErrSignedOut()
	}
	now := s.now()
	row, err := s.store.session(ctx, hashToken(token), now)
	if err != nil {
		return Caller{}, fmt.Errorf("look up a session: %w", err)
	}
	if row == nil {
		return Caller{}, ErrSignedOut()
	}
	if now.Sub(row.lastUsedAt) >= touchEvery {
		if err := s.store.touchSession(ctx, row.caller.SessionID, now); err != nil {
			// Reading goes on where the database cannot be written.
			s.log.WarnContext(ctx, "the use of a session could not be written down", "error", err)
		}
	}
	return row.caller, nil
}

// SignIn checks address and password and starts a session; oldToken, if any,
// is the session that the caller gives up for it. It gives the token for the
// cookie. The error is fault.Unauthenticated for a wrong address or password
// alike, fault.Limited after too many tries, and fault.Unavailable when too
// many sign in at once.
func (s *Service) SignIn(ctx context.Context, email, password, oldToken string, from Origin) (User, string, error) {
	email = strings.TrimSpace(email)
	if err := s.throttle.allow(ctx, email, from.Address); err != nil {
		return User{}, "", err
	}
	row, err := s.store.signInUser(ctx, email)
	if err != nil {
		return User{}, "", fmt.Errorf("look up a user to sign in: %w", err)
	}
	ok, stale, err := s.hasher.matches(ctx, password, row.passwordHash)
	if err != nil {
		return User{}, "", err
	}
	if !ok {
		return User{}, "", fault.New(fault.Unauthenticated, "the e-mail address or the password is wrong")
	}
	if stale {
		if hash, err := s.hasher.hash(ctx, password); err == nil {
			_, err = s.store.setPassword(ctx, row.id, row.passwordHash, hash, s.now())
			if err != nil {
				s.log.WarnContext(ctx, "a password could not be hashed anew", "error", err)
			}
		}
	}
	s.throttle.forget(ctx, email)
	token, err := s.startSession(ctx, s.store, row.id, from)
	if err != nil {
		return User{}, "", err
	}
	if oldToken != "" {
		if err := s.store.deleteSession(ctx, hashToken(oldToken)); err != nil {
			return User{}, "", fmt.Errorf("end the session before: %w", err)
		}
	}
	user, err := s.CurrentUser(ctx, Caller{UserID: row.id, Superuser: row.superuser})
	if err != nil {
		return User{}, "", err
	}
	return user, token, nil
}

func (s *Service) startSession(ctx context.Context, st *store, userID int64, from Origin) (string, error) {
	token := newToken()
	now := s.now()
	err := st.createSession(ctx, userID, hashToken(token), Origin{Address: clip(from.Address, 64), UserAgent: clip(from.UserAgent, 512)}, now, now.Add(SessionLifetime))
	if err != nil {
		return "", fmt.Errorf("start a session: %w", err)
	}
	return token, nil
}

// clip cuts what a client says of itself to n bytes of valid text.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' {
			return -1
		}
		return r
	}, s)
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// SignOut ends the session of the token; an unknown one is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	if err := s.store.deleteSession(ctx, hashToken(token)); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// CurrentUser tells who the caller is.
func (s *Service) CurrentUser(ctx context.Context, c Caller) (User, error) {
	u, err := s.store.user(ctx, c)
	if err != nil {
		return User{}, fmt.Errorf("read the current user: %w", err)
	}
	return u, nil
}

// ChangePassword sets a new password, ends all sessions of the user and starts
// a new one, whose token it gives. The error is fault.Invalid for a wrong
// current password or a new one that is too easy to guess, and fault.Limited
// after too many tries.
func (s *Service) ChangePassword(ctx context.Context, c Caller, current, next string, from Origin) (string, error) {
	row, err := s.store.userPassword(ctx, c.UserID)
	if err != nil {
		return "", fmt.Errorf("read the user whose password changes: %w", err)
	}
	if err := checkNewPassword("new_password", next, row.name, row.email); err != nil {
		return "", err
	}
	if next == current {
		return "", fault.Field("new_password", "must differ from the current one")
	}
	// A stolen session must not be a way around the throttle of signing in.
	if err := s.throttle.allow(ctx, row.email, from.Address); err != nil {
		return "", err
	}
	ok, _, err := s.hasher.matches(ctx, current, row.passwordHash)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fault.Field("current_password", "is wrong")
	}
	hash, err := s.hasher.hash(ctx, next)
	if err != nil {
		return "", err
	}
	var token string
	err = s.store.inTx(ctx, func(st *store) error {
		n, err := st.setPassword(ctx, c.UserID, row.passwordHash, hash, s.now())
		if err != nil {
			return fmt.Errorf("store a new password: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the password was changed elsewhere at the same time")
		}
		if err := st.deleteUserSessions(ctx, c.UserID); err != nil {
			return fmt.Errorf("end the sessions before the new password: %w", err)
		}
		token, err = s.startSession(ctx, st, c.UserID, from)
		return err
	})
	if err != nil {
		return "", err
	}
	s.throttle.forget(ctx, row.email)
	return token, nil
}
