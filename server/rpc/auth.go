package rpc

import (
	"context"

	authv1 "drumbeat/gen/go/drumbeat/auth/v1"
	policyv1 "drumbeat/gen/go/drumbeat/policy/v1"
	"drumbeat/server/orgs"
)

// authHandler serves AuthService.
type authHandler struct {
	orgs *orgs.Service
}

func (h *authHandler) GetSetupState(ctx context.Context, _ *authv1.GetSetupStateRequest) (*authv1.GetSetupStateResponse, error) {
	needed, err := h.orgs.SetupNeeded(ctx)
	if err != nil {
		return nil, err
	}
	return &authv1.GetSetupStateResponse{SetupNeeded: needed}, nil
}

func (h *authHandler) CompleteSetup(ctx context.Context, req *authv1.CompleteSetupRequest) (*authv1.CompleteSetupResponse, error) {
	user, token, err := h.orgs.CompleteSetup(ctx, req.GetToken(), orgs.FirstAdministrator{
		Organization: req.GetOrganizationName(), Name: req.GetName(), Email: req.GetEmail(), Password: req.GetPassword(),
	}, origin(ctx))
	if err != nil {
		return nil, err
	}
	setSession(ctx, token)
	return &authv1.CompleteSetupResponse{User: userMessage(user)}, nil
}

func (h *authHandler) SignIn(ctx context.Context, req *authv1.SignInRequest) (*authv1.SignInResponse, error) {
	user, token, err := h.orgs.SignIn(ctx, req.GetEmail(), req.GetPassword(), sessionToken(ctx, requestHeader(ctx)), origin(ctx))
	if err != nil {
		return nil, err
	}
	setSession(ctx, token)
	return &authv1.SignInResponse{User: userMessage(user)}, nil
}

func (h *authHandler) SignOut(ctx context.Context, _ *authv1.SignOutRequest) (*authv1.SignOutResponse, error) {
	if err := h.orgs.SignOut(ctx, sessionToken(ctx, requestHeader(ctx))); err != nil {
		return nil, err
	}
	setSession(ctx, "")
	return &authv1.SignOutResponse{}, nil
}

func (h *authHandler) GetCurrentUser(ctx context.Context, _ *authv1.GetCurrentUserRequest) (*authv1.GetCurrentUserResponse, error) {
	user, err := h.orgs.CurrentUser(ctx, actorFrom(ctx).Caller)
	if err != nil {
		return nil, err
	}
	return &authv1.GetCurrentUserResponse{User: userMessage(user)}, nil
}

func (h *authHandler) ChangePassword(ctx context.Context, req *authv1.ChangePasswordRequest) (*authv1.ChangePasswordResponse, error) {
	token, err := h.orgs.ChangePassword(ctx, actorFrom(ctx).Caller, req.GetCurrentPassword(), req.GetNewPassword(), origin(ctx))
	if err != nil {
		return nil, err
	}
	setSession(ctx, token)
	return &authv1.ChangePasswordResponse{}, nil
}

func userMessage(u orgs.User) *authv1.User {
	m := &authv1.User{Id: u.ID.String(), Name: u.Name, Email: u.Email, IsSuperuser: u.Superuser}
	for _, o := range u.Memberships {
		m.Memberships = append(m.Memberships, &authv1.Membership{
			OrganizationId: o.OrganizationID.String(), OrganizationName: o.OrganizationName, Role: policyv1.Role(o.Role),
		})
	}
	return m
}
