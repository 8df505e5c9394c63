// A TCP connection, plain or under TLS, whose calls block until they are done, their limits are
// reached or a stop token is used. Asio stays in the .cc.
//
// Owns its io_context and its socket: a call is an asynchronous operation run there to a deadline.
// After a time-out or a stop the socket is closed. Used by one thread at a time; a stop token may
// be used from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/net/tls.h"

namespace penstock::net {

using SteadyTime = std::chrono::steady_clock::time_point;

// When a call must be over, and what may end it before.
struct Limits {
  SteadyTime deadline = SteadyTime::max();
  std::chrono::milliseconds idle = std::chrono::hours(24 * 365);  // without a byte either way
  std::stop_token stop = {};
};

// Errors of all calls: kTransient for the network and for time, kCancelled for a stop.
class Stream {
 public:
  // kTransient when descriptors have run out.
  [[nodiscard]] static Result<Stream> Make();
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // Of the calls from now on.
  void Limit(Limits limits);

  // Tries one address after the other, the families in turn, and gives the one that answered. None
  // but the last may use more than a share of what is left until the deadline, nor more than 3 s: a
  // dead one does not keep those behind it from their try.
  [[nodiscard]] Result<std::string> Connect(const std::vector<std::string>& addresses,
                                            std::uint16_t port);
  // Goes on under TLS as a client of `name`: kUntrusted when the certificate is signed by nobody
  // whom `tls` trusts, or is another's. A second time: under TLS within TLS.
  [[nodiscard]] Result<void> Secure(std::shared_ptr<TlsContext> tls, const std::string& name);
  // The same as a server.
  [[nodiscard]] Result<void> Secure(std::shared_ptr<TlsContext> tls);

  // At least one byte; 0 when the other side has ended.
  [[nodiscard]] Result<std::size_t> Read(char* data, std::size_t size);
  // All of it.
  [[nodiscard]] Result<void> Write(std::string_view bytes);

  // The other side's address; empty where there is none any more.
  [[nodiscard]] std::string Peer() const;
  // The certificate (DER) that the other side has shown under TLS, and that was verified; empty
  // where it has shown none.
  [[nodiscard]] std::string PeerCertificate() const;
  // Whether that certificate, with what was sent along, is one that `tls` (of a server) would take.
  [[nodiscard]] bool PeerIsTrustedBy(TlsContext& tls) const;
  // False when the other side closed, or sent what was not asked for.
  [[nodiscard]] bool StillOpen() const;
  void Close();

 private:
  friend class Listener;
  struct Impl;
  Stream();
  std::unique_ptr<Impl> impl_;
};

class Listener {
 public:
  // Port 0: any. Invalid for what is no address, kTransient when it is taken.
  [[nodiscard]] static Result<Listener> Open(const std::string& address, std::uint16_t port);
  ~Listener();
  Listener(Listener&&) noexcept;

  [[nodiscard]] std::uint16_t port() const;
  // The next connection. One thread at a time.
  [[nodiscard]] Result<Stream> Accept(const std::stop_token& stop);

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
