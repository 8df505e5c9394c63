#include "operator/net/stream.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <concepts>
#include <optional>

#include "operator/net/beast.h"
#include "operator/net/resolver.h"
#include "operator/net/tls_context.h"

namespace penstock::net {
namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::seconds kDeadAddress{3};  // a lost SYN is sent again after 1 s

struct Outcome {
  error_code error;
  std::size_t moved = 0;
  bool late = false;
};

// Runs what `start` begins on `io` until its handler is called. Past `until` or after a stop
// `close` is called there, which ends the operation.
template <typename Close, typename Start>
Outcome Await(asio::io_context& io, SteadyTime until, const std::stop_token& stop, Close close,
              Start start) {
  Outcome out;
  bool done = false;
  io.restart();
  start([&out, &done](error_code ec, std::same_as<std::size_t> auto... moved) {
    out.error = ec;
    ((out.moved = moved), ...);
    done = true;
  });
  {
    const std::stop_callback on_stop(stop, [&] { asio::post(io, close); });
    while (!done && std::chrono::steady_clock::now() < until) {
      if (io.run_one_until(until) == 0) break;
    }
  }
  out.late = !done;
  if (out.late) close();
  if (io.stopped()) io.restart();
  while (!done) io.run_one();
  return out;
}

// A peer that vanished is noticed by the kernel after about 35 s, also under a silent stream.
void SetSocketOptions(Tcp::socket& socket) {
  const int fd = socket.native_handle();
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

// One of each family in turn, each family in its order; the first one's family first.
std::vector<asio::ip::address> InTurn(const std::vector<std::string>& addresses) {
  std::vector<asio::ip::address> first, second, out;
  for (const auto& text : addresses) {
    error_code ec;
    const auto ip = asio::ip::make_address(text, ec);
    if (ec) continue;
    (first.empty() || ip.is_v4() == first.front().is_v4() ? first : second).push_back(ip);
  }
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

// What one of `left` addresses may use of the time until `deadline`.
SteadyTime ShareOf(SteadyTime deadline, std::size_t left) {
  if (left <= 1) return deadline;
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return deadline;
  return now +
         std::min<SteadyTime::duration>(kDeadAddress, (deadline - now) / static_cast<long>(left));
}

}  // namespace

struct Stream::Impl {
  using Tls = ssl::stream<Tcp::socket&>;
  using Nested = ssl::stream<Tls&>;

  asio::io_context io{1};
  Tcp::socket socket{io};
  std::shared_ptr<TlsContext> context, nested_context;
  std::optional<Tls> tls;
  std::optional<Nested> nested;  // with the server, inside of TLS with its proxy
  Limits limits;
  bool ended = false;  // the last call found the other side's end

  void Close() {
    error_code ignored;  // it is thrown away
    socket.close(ignored);
  }

  // Calls `use` with what carries the bytes.
  template <typename Use>
  void Over(Use use) {
    if (nested) {
      use(*nested);
    } else if (tls) {
      use(*tls);
    } else {
      use(socket);
    }
  }

  // The bytes moved, where any move.
  template <typename Start>
  Result<std::size_t> Run(Start start, SteadyTime before = SteadyTime::max()) {
    const auto until =
        std::min({limits.deadline, before, std::chrono::steady_clock::now() + limits.idle});
    const Outcome done = Await(
        io, until, limits.stop, [this] { Close(); }, std::move(start));
    if (limits.stop.stop_requested()) {
      Close();
      return Cancelled("stopped");
    }
    if (done.late) return Transient("no answer in time");
    ended = done.error == asio::error::eof;
    if (done.error) return Transient(done.error.message());
    return done.moved;
  }
};

Stream::Stream() : impl_(std::make_unique<Impl>()) {}
Stream::~Stream() = default;
Result<Stream> Stream::Make() {
  try {
    return Stream();
  } catch (const boost::system::system_error& e) {  // an io_context takes descriptors
    return Transient(std::string("making a socket: ") + e.what());
  }
}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

void Stream::Limit(Limits limits) { impl_->limits = std::move(limits); }
void Stream::Close() { impl_->Close(); }

Result<std::string> Stream::Connect(const std::vector<std::string>& addresses, std::uint16_t port) {
  Error last = Transient("no address");
  const auto in_turn = InTurn(addresses);
  const auto deadline =
      std::min(impl_->limits.deadline, std::chrono::steady_clock::now() + impl_->limits.idle);
  for (std::size_t i = 0; i < in_turn.size(); ++i) {
    impl_->Close();
    auto connected = impl_->Run(
        [&](auto handler) {
          impl_->socket.async_connect(Tcp::endpoint(in_turn[i], port), std::move(handler));
        },
        ShareOf(deadline, in_turn.size() - i));
    if (connected) {
      SetSocketOptions(impl_->socket);
      return in_turn[i].to_string();
    }
    last = connected.error();
    if (last.kind == ErrorKind::kCancelled) break;
  }
  return last;
}

Result<void> Stream::Secure(std::shared_ptr<TlsContext> tls, const std::string& name) {
  const bool within = impl_->tls.has_value();
  auto& context = within ? impl_->nested_context : impl_->context;
  context = std::move(tls);
  SSL* native = within ? impl_->nested.emplace(*impl_->tls, context->context).native_handle()
                       : impl_->tls.emplace(impl_->socket, context->context).native_handle();
  const bool named = IsNumericAddress(name)
                         ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(native), name.c_str()) == 1
                         : SSL_set_tlsext_host_name(native, name.c_str()) == 1 &&
                               SSL_set1_host(native, name.c_str()) == 1;
  if (!named) return Internal("the name " + name + " cannot be verified");
  auto done = impl_->Run([&](auto handler) {
    if (within) {
      impl_->nested->async_handshake(ssl::stream_base::client, std::move(handler));
    } else {
      impl_->tls->async_handshake(ssl::stream_base::client, std::move(handler));
    }
  });
  if (done) return {};
  const long verdict = SSL_get_verify_result(native);
  if (verdict == X509_V_OK || SSL_get_verify_mode(native) == SSL_VERIFY_NONE) return done.error();
  Error error = done.error();
  error.kind = ErrorKind::kUntrusted;
  error.message =
      "the certificate of " + name + " is not trusted: " + X509_verify_cert_error_string(verdict);
  return error;
}

Result<void> Stream::Secure(std::shared_ptr<TlsContext> tls) {
  impl_->context = std::move(tls);
  impl_->tls.emplace(impl_->socket, impl_->context->context);
  auto done = impl_->Run([&](auto handler) {
    impl_->tls->async_handshake(ssl::stream_base::server, std::move(handler));
  });
  if (!done) return done.error();
  return {};
}

Result<std::size_t> Stream::Read(char* data, std::size_t size) {
  auto got = impl_->Run([&](auto handler) {
    impl_->Over(
        [&](auto& layer) { layer.async_read_some(asio::buffer(data, size), std::move(handler)); });
  });
  if (!got && impl_->ended) return std::size_t{0};
  return got;
}

Result<void> Stream::Write(std::string_view bytes) {
  auto done = impl_->Run([&](auto handler) {
    impl_->Over(
        [&](auto& layer) { asio::async_write(layer, asio::buffer(bytes), std::move(handler)); });
  });
  if (!done) return done.error();
  return {};
}

std::string Stream::Peer() const {
  error_code ec;
  const auto peer = impl_->socket.remote_endpoint(ec);
  return ec ? std::string() : peer.address().to_string();
}

std::string Stream::PeerCertificate() const {
  if (!impl_->tls) return "";
  SSL* const native = impl_->tls->native_handle();
  if ((SSL_get_verify_mode(native) & SSL_VERIFY_PEER) == 0 ||
      SSL_get_verify_result(native) != X509_V_OK)
    return "";
  X509* const certificate = SSL_get0_peer_certificate(native);
  unsigned char* bytes = nullptr;
  const int size = certificate == nullptr ? 0 : i2d_X509(certificate, &bytes);
  std::string der;
  if (size > 0) der.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

bool Stream::PeerIsTrustedBy(TlsContext& tls) const {
  SSL_CTX* const context = tls.context.native_handle();
  if (!impl_->tls || (SSL_CTX_get_verify_mode(context) & SSL_VERIFY_PEER) == 0) return false;
  SSL* const native = impl_->tls->native_handle();
  X509* const certificate = SSL_get0_peer_certificate(native);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> check(X509_STORE_CTX_new(),
                                                                              X509_STORE_CTX_free);
  const bool good = certificate != nullptr && check &&
                    X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(context), certificate,
                                        SSL_get_peer_cert_chain(native)) == 1 &&
                    X509_STORE_CTX_set_default(check.get(), "ssl_client") == 1 &&
                    X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  return good;
}

bool Stream::StillOpen() const {
  char byte = 0;
  const auto got = recv(impl_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

struct Listener::Impl {
  asio::io_context io{1};
  Tcp::acceptor acceptor{io};
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;
Listener::Listener(Listener&&) noexcept = default;

Result<Listener> Listener::Open(const std::string& address, std::uint16_t port) {
  auto impl = std::make_unique<Impl>();
  Tcp::acceptor& acceptor = impl->acceptor;
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return Invalid("'" + address + "' is no address to listen at");
  acceptor.open(Tcp::endpoint(ip, port).protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.bind(Tcp::endpoint(ip, port), ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    return Transient("listening at " + address + ":" + std::to_string(port) + ": " + ec.message());
  }
  return Listener(std::move(impl));
}

std::uint16_t Listener::port() const {
  error_code ec;
  return impl_->acceptor.local_endpoint(ec).port();
}

Result<Stream> Listener::Accept(const std::stop_token& stop) {
  auto made = Stream::Make();
  if (!made) return made.error();
  Stream stream = *std::move(made);
  Tcp::acceptor& acceptor = impl_->acceptor;
  const Outcome done = Await(
      impl_->io, SteadyTime::max(), stop,
      [&acceptor] {
        error_code ignored;  // it is thrown away
        acceptor.close(ignored);
      },
      [&](auto handler) { acceptor.async_accept(stream.impl_->socket, std::move(handler)); });
  if (stop.stop_requested()) return Cancelled("stopped");
  if (done.error) return Transient("accepting a connection: " + done.error.message());
  SetSocketOptions(stream.impl_->socket);
  return stream;
}

}  // namespace penstock::net
