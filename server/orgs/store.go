package orgs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
)

// superuserOrganizations bounds how many organisations a superuser is offered at once.
const superuserOrganizations = 1000

// store is the only caller of this feature's queries. With tx set it runs in
// that transaction.
type store struct {
	pool *pgxpool.Pool
	tx   pgx.Tx
}

func (st *store) handle() db.DBTX {
	if st.tx != nil {
		return st.tx
	}
	return st.pool
}

func (st *store) q() *db.Queries { return db.New(st.handle()) }

func (st *store) inTx(ctx context.Context, do func(*store) error) error {
	return pgx.BeginFunc(ctx, st.pool, func(tx pgx.Tx) error {
		return do(&store{pool: st.pool, tx: tx})
	})
}

type organizationAccess struct {
	organizationID int64
	role           Role
}

// organizationAccess gives nil for an organisation that does not exist.
func (st *store) organizationAccess(ctx context.Context, userID int64, id uuid.UUID) (*organizationAccess, error) {
	row, err := st.q().GetOrganizationAccess(ctx, db.GetOrganizationAccessParams{UserID: userID, OrganizationUuid: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &organizationAccess{row.ID, Role(row.Rank)}, nil
}

type siteAccess struct {
	siteID, organizationID int64
	isOwner                bool
	role                   Role
}

func (st *store) siteAccess(ctx context.Context, userID int64, id uuid.UUID) ([]siteAccess, error) {
	rows, err := st.q().GetSiteAccess(ctx, db.GetSiteAccessParams{UserID: userID, SiteUuid: id})
	if err != nil {
		return nil, err
	}
	all := make([]siteAccess, len(rows))
	for i, r := range rows {
		all[i] = siteAccess{r.SiteID, r.OrganizationID, r.IsOwner, Role(r.Rank)}
	}
	return all, nil
}

type sessionRow struct {
	caller     Caller
	lastUsedAt time.Time
}

// session gives nil where no session of the token is alive.
func (st *store) session(ctx context.Context, tokenHash []byte, now time.Time) (*sessionRow, error) {
	r, err := st.q().GetSession(ctx, db.GetSessionParams{TokenHash: tokenHash, Now: now, IdleSince: now.Add(-SessionIdle)})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &sessionRow{Caller{SessionID: r.ID, UserID: r.UserID, Superuser: r.IsSuperuser}, r.LastUsedAt}, nil
}

func (st *store) touchSession(ctx context.Context, id int64, now time.Time) error {
	return st.q().TouchSession(ctx, db.TouchSessionParams{ID: id, Now: now, NotSince: now.Add(-touchEvery + time.Second)})
}

func (st *store) createSession(ctx context.Context, userID int64, tokenHash []byte, from Origin, now, expires time.Time) error {
	_, err := st.q().CreateSession(ctx, db.CreateSessionParams{
		UserID: userID, TokenHash: tokenHash, UserAgent: from.UserAgent, Address: from.Address, Now: now, ExpiresAt: expires,
	})
	return err
}

func (st *store) deleteSession(ctx context.Context, tokenHash []byte) error {
	return st.q().DeleteSession(ctx, tokenHash)
}

func (st *store) deleteUserSessions(ctx context.Context, userID int64) error {
	return st.q().DeleteUserSessions(ctx, userID)
}

func (st *store) deleteDeadSessions(ctx context.Context, now time.Time) (int64, error) {
	return st.q().DeleteDeadSessions(ctx, db.DeleteDeadSessionsParams{Now: now, IdleSince: now.Add(-SessionIdle)})
}

func (st *store) liveWatches(ctx context.Context, watches []*watch, now time.Time) ([]bool, error) {
	p := db.ListLiveWatchesParams{Now: now, IdleSince: now.Add(-SessionIdle)}
	for _, w := range watches {
		p.SessionIds = append(p.SessionIds, w.actor.SessionID)
		p.OrganizationIds = append(p.OrganizationIds, w.actor.OrganizationID)
	}
	positions, err := st.q().ListLiveWatches(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("look up the sessions of open streams: %w", err)
	}
	live := make([]bool, len(watches))
	for _, p := range positions {
		live[p-1] = true
	}
	return live, nil
}

type signInUser struct {
	id           int64
	passwordHash string
	superuser    bool
}

// signInUser gives a user without a hash for an unknown address.
func (st *store) signInUser(ctx context.Context, email string) (signInUser, error) {
	r, err := st.q().GetSignInUser(ctx, email)
	if errors.Is(err, pgx.ErrNoRows) {
		return signInUser{}, nil
	}
	if err != nil {
		return signInUser{}, err
	}
	return signInUser{r.ID, r.PasswordHash, r.IsSuperuser}, nil
}

type userPassword struct{ name, email, passwordHash string }

func (st *store) userPassword(ctx context.Context, id int64) (userPassword, error) {
	r, err := st.q().GetUserPassword(ctx, id)
	return userPassword{r.Name, r.Email, r.PasswordHash}, err
}

func (st *store) setPassword(ctx context.Context, id int64, oldHash, newHash string, now time.Time) (int64, error) {
	return st.q().SetUserPassword(ctx, db.SetUserPasswordParams{ID: id, OldHash: oldHash, NewHash: newHash, Now: now})
}

func (st *store) user(ctx context.Context, c Caller) (User, error) {
	q := st.q()
	r, err := q.GetUser(ctx, c.UserID)
	if err != nil {
		return User{}, err
	}
	u := User{ID: r.Uuid, Name: r.Name, Email: r.Email, Superuser: r.IsSuperuser}
	if r.IsSuperuser {
		all, err := q.ListOrganizationsForSuperuser(ctx, db.ListOrganizationsForSuperuserParams{UserID: c.UserID, MaxRows: superuserOrganizations})
		if err != nil {
			return User{}, err
		}
		for _, o := range all {
			u.Memberships = append(u.Memberships, Membership{o.Uuid, o.Name, RoleAdmin})
		}
		return u, nil
	}
	own, err := q.ListMemberships(ctx, c.UserID)
	if err != nil {
		return User{}, err
	}
	for _, o := range own {
		u.Memberships = append(u.Memberships, Membership{o.Uuid, o.Name, Role(o.Rank)})
	}
	return u, nil
}

func (st *store) organization(ctx context.Context, id int64) (Organization, error) {
	r, err := st.q().GetOrganization(ctx, id)
	if err != nil {
		return Organization{}, err
	}
	return Organization{r.Uuid, r.Name, r.TaxID, r.CreatedAt, r.ModifiedAt}, nil
}

func (st *store) updateOrganization(ctx context.Context, a Actor, c OrganizationChange, now time.Time) (Organization, error) {
	p := db.UpdateOrganizationParams{ID: a.OrganizationID, Now: now}
	if c.Name != nil {
		p.SetName, p.Name = true, *c.Name
	}
	if c.TaxID != nil {
		p.SetTaxID, p.TaxID = true, *c.TaxID
	}
	r, err := st.q().UpdateOrganization(ctx, p)
	if err != nil {
		return Organization{}, err
	}
	if err := st.q().AddOrganizationRevision(ctx, db.AddOrganizationRevisionParams{OrganizationID: a.OrganizationID, UserID: a.UserID, Now: now}); err != nil {
		return Organization{}, fmt.Errorf("keep a revision: %w", err)
	}
	return Organization{r.Uuid, r.Name, r.TaxID, r.CreatedAt, r.ModifiedAt}, nil
}

func (st *store) members(ctx context.Context, organizationID int64, after *memberKey, limit int) ([]Member, []memberKey, error) {
	p := db.ListMembersParams{OrganizationID: organizationID, First: after == nil, MaxRows: int32(limit)}
	if after != nil {
		p.AfterName, p.AfterID = after.Name, after.ID
	}
	rows, err := st.q().ListMembers(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	members := make([]Member, len(rows))
	keys := make([]memberKey, len(rows))
	for i, r := range rows {
		members[i] = Member{r.Uuid, r.Name, r.Email, Role(r.Rank), r.CreatedAt}
		keys[i] = memberKey{r.SortName, r.ID}
	}
	return members, keys, nil
}

func (st *store) hasUsers(ctx context.Context, on db.DBTX) (bool, error) {
	return db.New(on).HasUsers(ctx)
}

func (st *store) lockSetup(ctx context.Context) error { return st.q().LockSetup(ctx) }

func (st *store) addSetupToken(ctx context.Context, hash []byte, now time.Time) error {
	return st.q().AddSetupToken(ctx, db.AddSetupTokenParams{TokenHash: hash, Now: now})
}

func (st *store) isNewestSetupToken(ctx context.Context, hash []byte) (bool, error) {
	return st.q().IsNewestSetupToken(ctx, hash)
}

// createFirst makes the superuser and their organisation, and voids all set-up links.
func (st *store) createFirst(ctx context.Context, in FirstAdministrator, hash string, now time.Time) (int64, error) {
	q := st.q()
	u, err := q.CreateUser(ctx, db.CreateUserParams{Name: in.Name, Email: in.Email, PasswordHash: hash, IsSuperuser: true, Now: now})
	if err != nil {
		return 0, fmt.Errorf("create the user: %w", err)
	}
	o, err := q.CreateOrganization(ctx, db.CreateOrganizationParams{Name: in.Organization, CreatedBy: &u.ID, Now: now})
	if err != nil {
		return 0, fmt.Errorf("create the organization: %w", err)
	}
	steps := []func() error{
		func() error {
			return q.AddMember(ctx, db.AddMemberParams{UserID: u.ID, OrganizationID: o.ID, Role: RoleAdmin.String(), Now: now})
		},
		func() error {
			return q.AddPlatformRole(ctx, db.AddPlatformRoleParams{UserID: u.ID, Role: "superuser"})
		},
		func() error {
			return q.SetHomeOrganization(ctx, db.SetHomeOrganizationParams{UserID: u.ID, OrganizationID: &o.ID})
		},
		func() error {
			return q.AddOrganizationRevision(ctx, db.AddOrganizationRevisionParams{OrganizationID: o.ID, UserID: u.ID, Now: now})
		},
		func() error { return q.UseSetupTokens(ctx, &now) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return 0, err
		}
	}
	return u.ID, nil
}
