#include "components/grpc/listener.h"

namespace penstock {
namespace {

// gRPC binds while the server is built, which fails where the address cannot be had.
class PlainListener : public GrpcListener {
 public:
  explicit PlainListener(std::string address) : address_(std::move(address)) {}

  std::uint16_t port() const override { return static_cast<std::uint16_t>(port_); }
  void AddTo(grpc::ServerBuilder* builder,
             const std::shared_ptr<grpc::ServerCredentials>& credentials) override {
    builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder->AddListeningPort(address_, credentials, &port_);
  }
  void Start(std::function<void()>) override {}
  void Stop() override {}  // the server's Shutdown does
  std::size_t open() override { return 0; }

 private:
  const std::string address_;
  int port_ = 0;
};

}  // namespace

Result<std::unique_ptr<GrpcListener>> GrpcListener::Bind(const std::string& address,
                                                         std::uint16_t port, std::size_t) {
  const bool v6 = address.find(':') != std::string::npos;
  return std::unique_ptr<GrpcListener>(std::make_unique<PlainListener>(
      (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port)));
}

}  // namespace penstock
