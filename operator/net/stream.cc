#include "operator/net/stream.h"

#include <netinet/tcp.h>

#include <concepts>
#include <optional>

#include "operator/net/beast.h"
#include "operator/net/resolver.h"

namespace penstock::net {
namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

struct TlsContext {
  ssl::context context;
};

namespace {

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

std::shared_ptr<TlsContext> NewContext(ssl::context::method method) {
  auto tls = std::make_shared<TlsContext>(TlsContext{ssl::context(method)});
  SSL_CTX_set_min_proto_version(tls->context.native_handle(), TLS1_2_VERSION);
  return tls;
}

Error Unreadable(const std::string& what, error_code ec) {
  return Invalid(what + " cannot be read: " + ec.message());
}

Result<void> Show(ssl::context& context, const std::string& whose, const std::string& chain,
                  const std::string& key) {
  error_code ec;
  context.use_certificate_chain(asio::buffer(chain), ec);
  if (ec) return Unreadable(whose + " certificate", ec);
  context.use_private_key(asio::buffer(key), ssl::context::pem, ec);
  if (ec) return Unreadable(whose + " certificate's key", ec);
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> MakeTls(const TlsSettings& settings) {
  auto tls = NewContext(ssl::context::tls_client);
  ssl::context& context = tls->context;
  error_code ec;
  context.set_verify_mode(settings.insecure ? ssl::verify_none : ssl::verify_peer, ec);
  if (settings.ca_pem.empty()) {
    context.set_default_verify_paths(ec);
  } else {
    context.add_certificate_authority(asio::buffer(settings.ca_pem), ec);
    if (ec) return Unreadable("the certificate authority", ec);
    // Any trusted certificate ends a chain, also one that is not self-signed.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context.native_handle()),
                         X509_V_FLAG_PARTIAL_CHAIN);
  }
  if (settings.certificate_pem.empty() != settings.key_pem.empty()) {
    return Invalid("a client certificate needs its key, and the key its certificate");
  }
  if (!settings.certificate_pem.empty()) {
    auto shown = Show(context, "the client", settings.certificate_pem, settings.key_pem);
    if (!shown) return shown.error();
  }
  return tls;
}

Result<std::shared_ptr<TlsContext>> MakeTls(const TlsIdentity& identity) {
  auto tls = NewContext(ssl::context::tls_server);
  auto shown = Show(tls->context, "the server's", identity.chain_pem, identity.key_pem);
  if (!shown) return shown.error();
  return tls;
}

struct Stream::Impl {
  asio::io_context io{1};
  Tcp::socket socket{io};
  std::shared_ptr<TlsContext> context;
  std::optional<ssl::stream<Tcp::socket&>> tls;
  Limits limits;
  bool ended = false;  // the last call found the other side's end

  void Close() {
    error_code ignored;  // it is thrown away
    socket.close(ignored);
  }

  // The bytes moved, where any move.
  template <typename Start>
  Result<std::size_t> Run(Start start) {
    const auto until = std::min(limits.deadline, std::chrono::steady_clock::now() + limits.idle);
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

Result<void> Stream::Connect(const std::vector<std::string>& addresses, std::uint16_t port) {
  Error last = Transient("no address");
  for (const auto& address : addresses) {
    error_code ec;
    const auto ip = asio::ip::make_address(address, ec);
    if (ec) continue;
    impl_->Close();
    auto connected = impl_->Run([&](auto handler) {
      impl_->socket.async_connect(Tcp::endpoint(ip, port), std::move(handler));
    });
    if (connected) {
      SetSocketOptions(impl_->socket);
      return {};
    }
    last = connected.error();
    if (last.kind == ErrorKind::kCancelled) break;
  }
  return last;
}

Result<void> Stream::Secure(std::shared_ptr<TlsContext> tls, const std::string& name) {
  impl_->context = std::move(tls);
  SSL* native = impl_->tls.emplace(impl_->socket, impl_->context->context).native_handle();
  const bool named = IsNumericAddress(name)
                         ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(native), name.c_str()) == 1
                         : SSL_set_tlsext_host_name(native, name.c_str()) == 1 &&
                               SSL_set1_host(native, name.c_str()) == 1;
  if (!named) return Internal("the name " + name + " cannot be verified");
  auto done = impl_->Run([&](auto handler) {
    impl_->tls->async_handshake(ssl::stream_base::client, std::move(handler));
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
    if (impl_->tls) {
      impl_->tls->async_read_some(asio::buffer(data, size), std::move(handler));
    } else {
      impl_->socket.async_read_some(asio::buffer(data, size), std::move(handler));
    }
  });
  if (!got && impl_->ended) return std::size_t{0};
  return got;
}

Result<void> Stream::Write(std::string_view bytes) {
  auto done = impl_->Run([&](auto handler) {
    if (impl_->tls) {
      asio::async_write(*impl_->tls, asio::buffer(bytes), std::move(handler));
    } else {
      asio::async_write(impl_->socket, asio::buffer(bytes), std::move(handler));
    }
  });
  if (!done) return done.error();
  return {};
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
