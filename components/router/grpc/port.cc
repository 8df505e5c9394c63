#include "components/router/grpc/port.h"

#include <limits>
#include <utility>

#include "components/router/grpc/shown_certificate.h"

namespace penstock::router {
namespace {

constexpr int kStreamsOfAConnection = 1'024;
constexpr int kMostClientMetadataBytes = 32 << 10;
constexpr int kHandshakeMs = 10'000;
constexpr int kClientMayPingMs = 10'000;
constexpr int kPingClientsMs = 60'000;
constexpr int kClientsAnswerMs = 20'000;

void Apply(const Limits& limits, const grpc::ResourceQuota& quota, grpc::ServerBuilder* builder) {
  const auto set = [builder](const char* name, int value) {
    builder->AddChannelArgument(name, value);
  };
  builder->SetResourceQuota(quota);
  builder->SetMaxReceiveMessageSize(static_cast<int>(limits.grpc_message_bytes));
  builder->SetMaxSendMessageSize(-1);
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfAConnection);
  set(GRPC_ARG_MAX_METADATA_SIZE, kMostClientMetadataBytes);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  // A message of a megabyte may become a gigabyte: message.h inflates within a bound.
  set(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // What is under way on an old connection goes on: its grace has no end.
  set(GRPC_ARG_MAX_CONNECTION_AGE_MS, static_cast<int>(limits.grpc_age.count()));
  set(GRPC_ARG_KEEPALIVE_TIME_MS, kPingClientsMs);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kClientsAnswerMs);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientMayPingMs);
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

}  // namespace

class GrpcPort::Service : public grpc::CallbackGenericService {
 public:
  Service(Answer answer, std::uint16_t port, bool secure)
      : answer_(std::move(answer)), port_(port), secure_(secure) {}
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return answer_(context, port_, secure_);
  }

 private:
  const Answer answer_;
  const std::uint16_t port_;
  const bool secure_;
};

Result<std::unique_ptr<GrpcPort>> GrpcPort::Open(const Options& options,
                                                 const grpc::ResourceQuota& quota) {
  auto listener = GrpcListener::Bind(options.address, options.port,
                                     static_cast<std::size_t>(options.limits.connections));
  if (!listener) return listener.error();
  std::unique_ptr<GrpcPort> port(new GrpcPort());
  port->listener_ = *std::move(listener);
  if (options.tls) port->certificate_ = std::make_shared<ShownCertificate>(options.tls);
  port->service_ = std::make_unique<Service>(options.answer, options.port, options.tls != nullptr);
  grpc::ServerBuilder builder;
  Apply(options.limits, quota, &builder);
  port->listener_->AddTo(&builder, port->certificate_ ? CredentialsOf(port->certificate_)
                                                      : grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(port->service_.get());
  port->server_ = builder.BuildAndStart();
  if (port->server_ == nullptr)
    return Transient("gRPC's server does not start on port " + std::to_string(options.port));
  port->listener_->Start(options.turned_away);
  return port;
}

GrpcPort::GrpcPort() = default;
GrpcPort::~GrpcPort() { End({}); }

void GrpcPort::Show(std::shared_ptr<const ServerTls> tls) { certificate_->Set(std::move(tls)); }

void GrpcPort::StopListening() { listener_->Stop(); }

void GrpcPort::End(std::chrono::milliseconds limit) {
  if (listener_) listener_->Stop();
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + limit);
}

}  // namespace penstock::router
