// From a client's bytes to the server that gets them.
#include <string>

#include "components/router/http1/rewrite.h"
#include "components/router/proxy/client_connection.h"

namespace penstock::router {

namespace {

constexpr int kRetryAfterSeconds = 1;
constexpr const char* kNoneReady = "no server of this model is ready";

using http1::Framing;
using Kind = http1::Outcome::Kind;

bool IsBodiless(const http1::RequestHead& head) {
  return head.framing == Framing::kNone || (head.framing == Framing::kLength && head.length == 0);
}

}  // namespace

void ClientConnection::ReadRequests() {
  while ((state_ == State::kIdle || state_ == State::kReading) && ReadHead()) {
  }
}

bool ClientConnection::ReadHead() {
  if (in_.empty()) return ReadBytes();
  if (state_ == State::kIdle) {
    state_ = State::kReading;
    deadline_ = worker_->now() + worker_->limits().head_time.count();
    worker_->MoveToBusy(place_);
  }
  http1::RequestHead* const head = worker_->request_head();
  const auto read = http1::ReadRequestHead({in_.data(), in_.size()}, &searched_, head);
  const bool too_large = read.kind == Kind::kPartial
                             ? in_.size() >= kMostHead
                             : read.kind == Kind::kWhole && head->size > kMostHead;
  if (too_large || read.kind == Kind::kRefused) {
    Answer(too_large ? 431 : read.status, too_large ? "the request's head is too large" : read.why,
           false);
    return true;
  }
  if (read.kind == Kind::kPartial) return ReadBytes();
  Begin(head);
  return true;
}

bool ClientConnection::ReadBytes() {
  if (!stream_.readable()) return false;
  in_.MakeRoom();
  std::size_t got = 0;
  switch (stream_.Read(in_.tail(), in_.room(), &got)) {
    case Stream::Got::kSome:
      in_.Added(got);
      return true;
    case Stream::Got::kNothing:
      in_.ReleaseIfEmpty();
      return false;
    default:
      Drop();
      return false;
  }
}

void ClientConnection::Begin(http1::RequestHead* asked) {
  const http1::RequestHead& head = *asked;
  exchange_ = std::make_unique<Exchange>(worker_->blocks());
  worker_->CountRequest(1);
  Exchange& x = *exchange_;
  x.begun = x.body_progress = worker_->now();
  x.to_head = head.method == "HEAD";
  x.http11 = head.http11;
  x.keep_alive = head.keep_alive;
  // The head's text stays where it is until the next bytes are read.
  in_.Consume(head.size);
  searched_ = 0;
  const bool bodiless = IsBodiless(head);
  x.deployment = worker_->routes().OfPort(port_);
  if (!x.deployment)
    return Answer(503, "no ModelDeployment has this port any more", false, kRetryAfterSeconds);
  if (!IsAskedAsItShould(x.deployment->edge)) return;
  if (head.https && !stream_.is_secure())
    return Answer(400, "this port speaks no TLS: ask by http", bodiless);
  if (worker_->requests() > worker_->limits().requests)
    return Answer(503, "too many requests are under way", bodiless, kRetryAfterSeconds);
  RequestRoute route = RouteOf(head.target);
  x.route = route.kind;
  x.idempotent = IsIdempotent(head.method, route.kind);
  if (!MayPass(asked)) return;
  if (!ReadPin(head, &route)) return;
  PlanShadow();
  if (!Compose(head, route)) return;
  const auto time = x.request.body_read() ? x.deployment->timeout : worker_->limits().request_time;
  x.deadline = x.begun + time.count();
  Route();
}

// A connection may be older than what its port asks for.
bool ClientConnection::IsAskedAsItShould(const EdgeView& edge) {
  if (!edge.secure || stream_.is_secure()) return true;
  Answer(400, "this port speaks TLS: ask by https", false);
  return false;
}

// What waited was judged by the rules of its time; its token is not kept to be judged again.
bool ClientConnection::MayStillPass(const EdgeView& edge) {
  if (!IsAskedAsItShould(edge)) return false;
  if (!edge.rules || edge.rules == exchange_->deployment->edge.rules) return true;
  Answer(503, "whose tokens are taken has changed while the request waited: ask again", false,
         kRetryAfterSeconds);
  return false;
}

// A token is for the router: no server, and no copy of the request, gets it.
bool ClientConnection::MayPass(http1::RequestHead* head) {
  Exchange& x = *exchange_;
  const TokenRules* const rules = x.deployment->edge.rules.get();
  if (rules == nullptr) return true;
  std::string_view authorization;
  int count = 0;
  for (std::size_t i = 0; i < head->field_count; ++i) {
    http1::Field& field = head->fields[i];
    if (!http1::SameName(field.name, "authorization")) continue;
    authorization = field.value;
    field.passed_on = head->all_passed_on = false;
    ++count;
  }
  const bool bodiless = IsBodiless(*head);
  if (bodiless && IsOpenProbe(head->method, head->target)) return true;
  const Verdict verdict = count > 1
                              ? Verdict::kMalformed
                              : Judge(authorization, *rules, std::chrono::system_clock::now());
  if (verdict == Verdict::kGood) return true;
  if (verdict == Verdict::kNoKeys) {
    Answer(503, NoKeysText(*rules), bodiless, kRetryAfterSeconds);
    return false;
  }
  ++x.deployment->live->unauthorized;
  // What is wrong with it, whoever made it up would like to know.
  Answer(401, "a bearer token is required that is valid here", bodiless, 0,
         verdict == Verdict::kNone ? "WWW-Authenticate: Bearer\r\n"
                                   : "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n");
  return false;
}

// Leaves a pin of the path in `route` only if it names one of the deployment's versions, whose
// servers are then asked without it: what they call their model's version is their own matter.
bool ClientConnection::ReadPin(const http1::RequestHead& head, RequestRoute* route) {
  Exchange& x = *exchange_;
  const bool bodiless = IsBodiless(head);
  if (!head.pin.empty()) {
    x.pinned = ParseVersion(head.pin);
    if (!x.pinned) {
      Answer(400, "penstock-version is no version", bodiless);
      return false;
    }
  }
  const bool known = route->version && x.deployment->Find(*route->version) != nullptr;
  if (known || (route->version && head.target.starts_with("/v2/"))) {
    if (x.pinned && x.pinned != route->version) {
      Answer(400, "penstock-version and the path name different versions", bodiless);
      return false;
    }
    x.pinned = route->version;
  }
  if (!known) route->pin_begin = route->pin_end = 0;
  if (!x.pinned || x.deployment->Find(*x.pinned) != nullptr) return true;
  // To whom nobody knows a version that is not served is one that is not ready.
  if (x.deployment->edge.rules && IsOpenProbe(head.method, head.target)) {
    Answer(503, kNoneReady, bodiless, kRetryAfterSeconds);
    return false;
  }
  Answer(404,
         "version " + std::to_string(*x.pinned) + " of '" + x.deployment->name +
             "' is not served; leave it out to ask the served ones",
         bodiless);
  return false;
}

void ClientConnection::PlanShadow() {
  Exchange& x = *exchange_;
  if (x.pinned || (x.route != RouteKind::kInfer && x.route != RouteKind::kPredict)) return;
  for (const VersionView& version : x.deployment->versions) {
    if (!version.shadow || version.shadow->Next() != 0) continue;
    x.shadow = worker_->NewShadow();
    if (!x.shadow) return version.shadow_statistics->Dropped();
    x.shadow->port = port_;
    x.shadow->version = version.version;
    x.shadow->output = x.deployment->shadow_output;
    x.shadow->threshold = x.deployment->shadow_threshold;
    x.shadow->statistics = version.shadow_statistics;
    return;
  }
}

bool ClientConnection::Compose(const http1::RequestHead& head, const RequestRoute& route) {
  Exchange& x = *exchange_;
  Buffer* const to = x.request.head();
  to->MakeRoom();
  to->Added(
      http1::WriteRequest(head, route.pin_begin, route.pin_end, x.deployment->name, to->tail()));
  if (x.shadow) x.request.Capture(&x.shadow->request, kMostShadowBytes);
  const http1::BodyDecoder body(head.framing, head.length, false);
  if (x.request.Begin(body, &in_) == Relay::Outcome::kInputBroken) {
    Answer(400, "the body's chunks are none", false);
    return false;
  }
  in_.ReleaseIfEmpty();
  return true;
}

// Sends what is under way to an endpoint, or lets it wait for one.
void ClientConnection::Route() {
  Exchange& x = *exchange_;
  if (state_ == State::kHeld) {
    const auto deployment = worker_->routes().OfPort(port_);
    if (deployment && !MayStillPass(deployment->edge)) return;
    if (deployment) x.deployment = deployment;
    if (!deployment || IsLate()) {
      ++x.deployment->live->hold_expired;
      CountUnreached(false);
      return Answer(503, "no server of this model has become ready in time", true,
                    kRetryAfterSeconds);
    }
  }
  const auto* const endpoint = Choose();
  if (endpoint == nullptr) return Hold();
  if (state_ == State::kHeld && (*endpoint)->IsEjected(worker_->now()) && !worker_->TakeProbe())
    return;
  if (state_ == State::kHeld) x.deadline = worker_->now() + x.deployment->timeout.count();
  LeaveHold();
  Connect(*endpoint, false);
}

const VersionView* ClientConnection::ChooseVersion() {
  Exchange& x = *exchange_;
  const DeploymentView& deployment = *x.deployment;
  if (x.pinned) return deployment.Find(*x.pinned);
  if (!deployment.choice) return nullptr;
  const VersionView* version = deployment.Find(x.version);
  if (version == nullptr) version = &deployment.versions[deployment.choice->Next()];
  if (!version->endpoints.empty()) return version;
  // None of its servers is ready: better another version's answer than none.
  for (const VersionView& other : deployment.versions) {
    if (other.weight > 0 && !other.endpoints.empty() &&
        (version->endpoints.empty() || other.weight > version->weight))
      version = &other;
  }
  return version;
}

const std::shared_ptr<LiveEndpoint>* ClientConnection::Choose() {
  Exchange& x = *exchange_;
  const VersionView* const version = ChooseVersion();
  if (version == nullptr) return nullptr;
  x.version = version->version;
  x.statistics = version->statistics;
  return version->Pick(worker_->NextStart(), worker_->now(), x.failed);
}

void ClientConnection::Hold() {
  if (state_ == State::kHeld) return;
  Exchange& x = *exchange_;
  const HoldBounds& bounds = x.deployment->hold;
  LiveDeployment& live = *x.deployment->live;
  if (x.route == RouteKind::kHealth) return Answer(503, kNoneReady, true, kRetryAfterSeconds);
  const auto block = static_cast<std::int64_t>(BlockPool::kBlock);
  x.held_bytes = in_.has_block() ? 2 * block : block;
  x.held_with = x.deployment->live;
  const bool fits = live.held.fetch_add(1) < bounds.requests;
  if (live.held_bytes.fetch_add(x.held_bytes) + x.held_bytes > bounds.bytes || !fits) {
    ++live.hold_refused;
    CountUnreached(false);
    return Answer(503, "too many requests wait for a server of this model", true,
                  kRetryAfterSeconds);
  }
  ++live.held_total;
  x.tries = 0;
  x.failed = nullptr;
  state_ = State::kHeld;
  if (x.hold_until == 0) x.hold_until = worker_->now() + bounds.time.count();
  deadline_ = x.hold_until;
}

void ClientConnection::LeaveHold() {
  Exchange& x = *exchange_;
  if (!x.held_with) return;
  x.held_with->held -= 1;
  x.held_with->held_bytes -= x.held_bytes;
  x.held_with = nullptr;
}

}  // namespace penstock::router
