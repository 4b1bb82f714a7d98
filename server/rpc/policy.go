package rpc

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	policyv1 "drumbeat/gen/go/drumbeat/policy/v1"
	"drumbeat/server/orgs"
	"drumbeat/server/platform/fault"
)

// Policy is the access rule of one method, as its contract has it.
type Policy struct {
	// Procedure is the method's path, "/package.Service/Method".
	Procedure string
	Method    protoreflect.MethodDescriptor
	Access    policyv1.Access
	// Role is the least role; RoleNone unless Access asks for one.
	Role orgs.Role
	// IDField is the field of the request that names the organisation or site;
	// nil unless Access needs it.
	IDField protoreflect.FieldDescriptor
}

// NeedsSession says whether only a signed-in user may call the method.
func (p Policy) NeedsSession() bool {
	switch p.Access {
	case policyv1.Access_ACCESS_SIGNED_IN, policyv1.Access_ACCESS_ORGANIZATION, policyv1.Access_ACCESS_SITE, policyv1.Access_ACCESS_SUPERUSER:
		return true
	}
	return false
}

// ReadPolicies reads the policy of every method of the services, by procedure.
// It fails where a method has none, or one that its request cannot meet.
func ReadPolicies(services ...protoreflect.ServiceDescriptor) (map[string]Policy, error) {
	policies := map[string]Policy{}
	var problems []error
	for _, service := range services {
		for i := range service.Methods().Len() {
			p, err := readPolicy(service.Methods().Get(i))
			if err != nil {
				problems = append(problems, err)
				continue
			}
			policies[p.Procedure] = p
		}
	}
	return policies, errors.Join(problems...)
}

func readPolicy(m protoreflect.MethodDescriptor) (Policy, error) {
	p := Policy{Procedure: fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name()), Method: m}
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	if options == nil || !proto.HasExtension(options, policyv1.E_Policy) {
		return p, fmt.Errorf("method %s has no policy", m.FullName())
	}
	rule := proto.GetExtension(options, policyv1.E_Policy).(*policyv1.Policy)
	p.Access, p.Role = rule.GetAccess(), orgs.Role(rule.GetRole())
	field := protoreflect.Name("")
	switch p.Access {
	case policyv1.Access_ACCESS_ORGANIZATION:
		field = "organization_id"
	case policyv1.Access_ACCESS_SITE:
		field = "site_id"
	case policyv1.Access_ACCESS_PUBLIC, policyv1.Access_ACCESS_SITE_KEY, policyv1.Access_ACCESS_SIGNED_IN, policyv1.Access_ACCESS_SUPERUSER:
		if p.Role != orgs.RoleNone {
			return p, fmt.Errorf("the policy of method %s names a role, which %s does not use", m.FullName(), p.Access)
		}
		return p, nil
	default:
		return p, fmt.Errorf("the policy of method %s opens it to nobody that is known: %s", m.FullName(), p.Access)
	}
	if p.Role < orgs.RoleDeveloper || p.Role > orgs.RoleAdmin {
		return p, fmt.Errorf("the policy of method %s names no role", m.FullName())
	}
	p.IDField = m.Input().Fields().ByName(field)
	if p.IDField == nil || p.IDField.Kind() != protoreflect.StringKind || p.IDField.IsList() {
		return p, fmt.Errorf("the policy of method %s needs a text field %s in %s", m.FullName(), field, m.Input().FullName())
	}
	return p, nil
}

// access resolves callers; orgs.Service does.
type access interface {
	InOrganization(ctx context.Context, c orgs.Caller, id uuid.UUID) (orgs.Actor, error)
	AtSite(ctx context.Context, c orgs.Caller, id uuid.UUID) (orgs.Actor, error)
}

// policyInterceptor lets a method run only for those whom its policy admits,
// and resolves the actor.
type policyInterceptor struct {
	policies map[string]Policy
	access   access
}

func (pi *policyInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, slot := withActorSlot(ctx)
		if err := pi.admit(ctx, req.Spec().Procedure, req.Any(), slot); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

func (pi *policyInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler checks each message as it is received, since only then
// is known what the call is about. A handler that asks for the actor before
// gets none.
func (pi *policyInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if _, ok := pi.policies[conn.Spec().Procedure]; !ok {
			return errNoPolicy(conn.Spec().Procedure)
		}
		ctx, slot := withActorSlot(ctx)
		return next(ctx, &policedConn{StreamingHandlerConn: conn, admit: func(msg any) error {
			return pi.admit(ctx, conn.Spec().Procedure, msg, slot)
		}})
	}
}

type policedConn struct {
	connect.StreamingHandlerConn
	admit func(msg any) error
}

func (c *policedConn) Receive(msg any) error {
	if err := c.StreamingHandlerConn.Receive(msg); err != nil {
		return err
	}
	return c.admit(msg)
}

func errNoPolicy(procedure string) error {
	return fmt.Errorf("method %s is served without a policy", procedure)
}

func (pi *policyInterceptor) admit(ctx context.Context, procedure string, msg any, slot *actorSlot) error {
	p, ok := pi.policies[procedure]
	if !ok {
		return errNoPolicy(procedure)
	}
	if p.Access == policyv1.Access_ACCESS_PUBLIC {
		return nil
	}
	if p.Access == policyv1.Access_ACCESS_SITE_KEY {
		// Sites come in by a door of their own, which checks the key.
		return fault.New(fault.Unauthenticated, "a site key is needed")
	}
	caller, ok := callerFrom(ctx)
	if !ok {
		return orgs.ErrSignedOut()
	}
	actor := orgs.Actor{Caller: caller}
	var err error
	switch p.Access {
	case policyv1.Access_ACCESS_SIGNED_IN:
	case policyv1.Access_ACCESS_SUPERUSER:
		if !caller.Superuser {
			return fault.New(fault.Forbidden, "only a superuser of the platform can do this")
		}
	case policyv1.Access_ACCESS_ORGANIZATION, policyv1.Access_ACCESS_SITE:
		message, ok := msg.(proto.Message)
		if !ok {
			return fmt.Errorf("the request of %s is no message", procedure)
		}
		var id uuid.UUID
		if id, err = uuid.Parse(message.ProtoReflect().Get(p.IDField).String()); err != nil {
			return fault.Field(string(p.IDField.Name()), "must be a UUID")
		}
		if p.Access == policyv1.Access_ACCESS_SITE {
			actor, err = pi.access.AtSite(ctx, caller, id)
		} else {
			actor, err = pi.access.InOrganization(ctx, caller, id)
		}
		if err != nil {
			return err
		}
		if actor.Role < p.Role {
			return fault.New(fault.Forbidden, "this needs the role %s; you are %s here", p.Role, actor.Role)
		}
	default:
		return fmt.Errorf("method %s has a policy that nobody enforces: %s", procedure, p.Access)
	}
	slot.actor, slot.filled = actor, true
	return nil
}

// actorSlot is filled once the request is known, which for a stream is after
// its handler's context was made.
type actorSlot struct {
	actor  orgs.Actor
	filled bool
}

type actorKey struct{}

func withActorSlot(ctx context.Context) (context.Context, *actorSlot) {
	slot := &actorSlot{}
	return context.WithValue(ctx, actorKey{}, slot), slot
}

// actorFrom gives the actor that the policy resolved. It panics where there is
// none: the method's policy then does not fit its handler, and running on
// would be worse.
func actorFrom(ctx context.Context) orgs.Actor {
	slot, _ := ctx.Value(actorKey{}).(*actorSlot)
	if slot == nil || !slot.filled {
		panic("a handler asked for an actor that no policy resolved")
	}
	return slot.actor
}
