// From a call's head to the server that gets it. The way of its messages: call_forward.cc.
#include "components/router/grpc/call.h"

#include <string>
#include <utility>

#include "components/router/edge/token.h"
#include "components/router/grpc/attempt.h"
#include "components/router/grpc/message.h"
#include "components/router/grpc/metadata.h"

namespace penstock::router {
namespace {

using grpc::Status;
using grpc::StatusCode;

constexpr std::int64_t kHeldCallBytes = std::int64_t{64} << 10;  // its head, what came after it

Status Unavailable(const std::string& why) { return {StatusCode::UNAVAILABLE, why}; }

}  // namespace

Call::Call(CallHost* host, grpc::GenericCallbackServerContext* context, std::uint16_t port,
           bool secure)
    : host_(host),
      context_(context),
      port_(port),
      secure_(secure),
      method_(GrpcMethodOf(context->method())),
      begun_(NowMs()),
      progress_(begun_) {
  host_->Enter(this);
  const std::lock_guard lock(mutex_);
  auto refused = Refusal();
  if (!refused) refused = TakePin();
  if (refused) {
    Abort(*std::move(refused));
  } else if (method_.unary || method_.names_version) {
    BeginReading();
  } else {
    Route();
  }
}

void Call::OnDone() {
  {
    const std::lock_guard lock(mutex_);
    GiveBytes(&request_bytes_);
    GiveBytes(&answer_bytes_);
  }
  host_->Leave(this);
  delete this;
}

std::optional<Status> Call::Refusal() {
  deployment_ = host_->OfPort(port_);
  if (!deployment_) return Unavailable("no ModelDeployment has this port any more");
  if (deployment_->view->edge.secure && !secure_) return Unavailable("this port speaks TLS");
  if (host_->calls > host_->limits.grpc_calls)
    return Unavailable("too many calls are under way at this router");
  if (auto refused = TokenRefusal()) return refused;
  if (const auto key = Unsendable(context_->client_metadata()))
    return Status(StatusCode::INVALID_ARGUMENT,
                  "metadata '" + *key + "' is not printable ASCII: name it with -bin at its end");
  return std::nullopt;
}

std::optional<Status> Call::TokenRefusal() const {
  const TokenRules* const rules = deployment_->view->edge.rules.get();
  if (rules == nullptr || method_.open_probe) return std::nullopt;
  const auto [first, last] = context_->client_metadata().equal_range("authorization");
  if (first != last && std::next(first) == last) {
    const std::string_view token(first->second.data(), first->second.size());
    const Verdict verdict = Judge(token, *rules, std::chrono::system_clock::now());
    if (verdict == Verdict::kGood) return std::nullopt;
    if (verdict == Verdict::kNoKeys) return Unavailable(NoKeysText(*rules));
  }
  ++deployment_->view->live->unauthorized;
  return Status(StatusCode::UNAUTHENTICATED, "a bearer token is required that is valid here");
}

std::optional<Status> Call::TakePin() {
  const auto [first, last] = context_->client_metadata().equal_range(kVersionKey);
  if (first == last) return std::nullopt;
  pinned_ = ParseVersion({first->second.data(), first->second.size()});
  if (!pinned_ || std::next(first) != last)
    return Status(StatusCode::INVALID_ARGUMENT, "penstock-version is no version");
  return PinRefusal();
}

// A version of V2's request counts where it is a number. That of one of the deployment's versions
// is taken out: what its servers call their model's version is their own matter.
std::optional<Status> Call::TakeModelVersion() {
  if (!has_request_) return std::nullopt;
  const auto text = ModelVersionOf(request_);
  const auto version = text ? ParseVersion(*text) : std::nullopt;
  if (!version) return std::nullopt;
  if (pinned_ && pinned_ != version)
    return Status(StatusCode::INVALID_ARGUMENT,
                  "penstock-version and model_version name different versions");
  pinned_ = version;
  auto refused = PinRefusal();
  if (!refused) EraseModelVersion(&request_);
  return refused;
}

std::optional<Status> Call::PinRefusal() const {
  const DeploymentView& view = *deployment_->view;
  if (!pinned_ || view.Find(*pinned_) != nullptr) return std::nullopt;
  // To whom nobody knows a version that is not served is one that is not ready.
  if (view.edge.rules && method_.open_probe) return Unavailable("no server of this model is ready");
  return Status(StatusCode::NOT_FOUND, "version " + std::to_string(*pinned_) + " of '" + view.name +
                                           "' is not served; leave it out to ask the served ones");
}

void Call::BeginReading() {
  reading_ = true;
  StartRead(has_request_ ? &more_ : &request_);
}

std::optional<std::size_t> Call::ChooseVersion() {
  const std::vector<VersionView>& versions = deployment_->view->versions;
  const auto place_of = [&](std::int64_t version) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < versions.size(); ++i)
      if (versions[i].version == version) return i;
    return std::nullopt;
  };
  if (pinned_) return place_of(*pinned_);
  WeightedChoice* const choice = deployment_->view->choice.get();
  if (choice == nullptr) return std::nullopt;
  auto chosen = place_of(version_);
  if (!chosen || versions[*chosen].weight == 0) chosen = choice->Next();
  if (!deployment_->endpoints[*chosen].empty()) return chosen;
  // None of its servers is ready: better another version's answer than none.
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const bool better =
        deployment_->endpoints[*chosen].empty() || versions[i].weight > versions[*chosen].weight;
    if (versions[i].weight > 0 && !deployment_->endpoints[i].empty() && better) chosen = i;
  }
  return chosen;
}

void Call::Route() {
  const auto version = ChooseVersion();
  if (!version) return Hold();
  const VersionView& view = deployment_->view->versions[*version];
  if (deployment_->SpeaksNoGrpc(*version))
    return Abort({StatusCode::UNIMPLEMENTED,
                  "the servers of version " + std::to_string(view.version) + " answer no gRPC"});
  version_ = view.version;
  statistics_ = view.statistics;
  const Moment now = NowMs();
  const auto* const endpoint = PickOf<GrpcEndpoint>(deployment_->endpoints[*version],
                                                    host_->starts.fetch_add(1), now, failed_.get());
  if (endpoint == nullptr) return Hold();
  if (state_ == State::kHeld && (*endpoint)->IsEjected(now)) return;
  LeaveHold();
  Start(*endpoint);
}

// Nothing of it was sent. One that cannot be reached is not asked twice on end.
void Call::TryAnother() {
  {
    const std::lock_guard lock(host_->statistics_mutex);
    statistics_->Retry(host_->shard);
  }
  const auto version = tries_ < host_->limits.tries ? ChooseVersion() : std::nullopt;
  const auto* const endpoint =
      version ? PickOf<GrpcEndpoint>(deployment_->endpoints[*version], host_->starts.fetch_add(1),
                                     NowMs(), failed_.get())
              : nullptr;
  if (endpoint == nullptr || *endpoint == failed_) return Hold();
  version_ = deployment_->view->versions[*version].version;
  statistics_ = deployment_->view->versions[*version].statistics;
  Start(*endpoint);
}

void Call::Start(std::shared_ptr<GrpcEndpoint> endpoint) {
  state_ = State::kForwarding;
  ++tries_;
  progress_ = NowMs();
  endpoint->live->in_flight.fetch_add(1);
  attempt_ = new Attempt(this, std::move(endpoint));
  grpc::ClientContext& context = attempt_->context;
  PassOn(context_->client_metadata(), deployment_->view->edge.rules != nullptr, &context);
  context.set_initial_metadata_corked(method_.unary);
  if (context_->deadline() != std::chrono::system_clock::time_point::max())
    context.set_deadline(context_->deadline());
  attempt_->endpoint->stub.PrepareBidiStreamingCall(&context, context_->method(), {}, attempt_);
  attempt_->AddHold();
  attempt_->StartRead(&attempt_->answer);
  attempt_->StartCall();
  PumpRequest();
}

void Call::Hold() {
  if (state_ == State::kHeld) return;
  const HoldBounds& bounds = deployment_->view->hold;
  if (method_.kind == RouteKind::kHealth)
    return Abort(Unavailable("no server of this model is ready"));
  held_with_ = deployment_->view->live;
  held_bytes_ = kHeldCallBytes + request_bytes_;
  const bool fits = held_with_->held.fetch_add(1) < bounds.requests;
  if (held_with_->held_bytes.fetch_add(held_bytes_) + held_bytes_ > bounds.bytes || !fits) {
    ++held_with_->hold_refused;
    CountUnreached(false);
    return Abort(Unavailable("too many requests wait for a server of this model"));
  }
  ++held_with_->held_total;
  tries_ = 0;
  failed_ = nullptr;
  state_ = State::kHeld;
  if (hold_until_ == 0) hold_until_ = NowMs() + bounds.time.count();
}

void Call::LeaveHold() {
  if (!held_with_) return;
  held_with_->held -= 1;
  held_with_->held_bytes -= held_bytes_;
  held_with_ = nullptr;
}

void Call::Look(Moment now) {
  const std::lock_guard lock(mutex_);
  if (!deployment_) return;  // it is beginning
  if (state_ == State::kHeld) return LookAtHeld(now);
  if (state_ == State::kForwarding) return LookAtForwarding(now);
  if (state_ == State::kReading && now - begun_ > host_->limits.request_time.count())
    Abort({StatusCode::DEADLINE_EXCEEDED, "the request's message has not come"});
}

void Call::LookAtHeld(Moment now) {
  const auto fresh = host_->OfPort(port_);
  if (fresh) {
    if (auto refused = RefusalOfHeld(*fresh)) return Abort(*std::move(refused));
    deployment_ = fresh;
  }
  if (!fresh || now >= hold_until_) {
    ++held_with_->hold_expired;
    CountUnreached(false);
    return Abort(Unavailable("no server of this model has become ready in time"));
  }
  Route();
}

// What waited was judged by the rules of its time.
std::optional<Status> Call::RefusalOfHeld(const GrpcDeployment& now) const {
  const EdgeView& edge = now.view->edge;
  if (edge.secure && !secure_) return Unavailable("this port speaks TLS");
  if (!edge.rules || edge.rules == deployment_->view->edge.rules) return std::nullopt;
  return Unavailable("whose tokens are taken has changed while the call waited: ask again");
}

// The router's own answer.
void Call::Abort(Status status) {
  if (deployment_) ++deployment_->view->live->bad_requests;
  if (attempt_ == nullptr) return End(std::move(status));
  if (!aborted_) aborted_ = std::move(status);
  attempt_->context.TryCancel();
}

void Call::End(Status status) {
  state_ = State::kEnding;
  LeaveHold();
  Finish(std::move(status));
}

}  // namespace penstock::router
