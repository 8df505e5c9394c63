// One connection of the HTTPS server (private to https_server.cc; includes Beast).
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "operator/gateway/https_server.h"
#include "operator/net/beast.h"

namespace penstock::gateway {

// Owns its io_context and socket; every wait is an asynchronous operation run there to a deadline.
// Used by one thread, after the listener has accepted into socket().
class Connection {
 public:
  Connection(const HttpsServerOptions& options, const Router& router, std::stop_token stop)
      : options_(options), router_(router), stop_(std::move(stop)) {}

  [[nodiscard]] boost::asio::ip::tcp::socket& socket() { return socket_; }

  // Serves requests until the peer, a time-out, an error or the stop token ends it. With
  // `overloaded` the first request is answered with 503.
  void Serve(std::shared_ptr<boost::asio::ssl::context> tls, bool overloaded);

  // Posts a close: from any thread.
  void Interrupt();

 private:
  friend class ConnectionExchange;
  using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

  template <typename Start>
  boost::system::error_code Await(std::chrono::milliseconds timeout, Start start);
  void Close();
  bool ServeOne(bool overloaded);
  void Linger();

  const HttpsServerOptions& options_;
  const Router& router_;
  std::stop_token stop_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::socket socket_{io_};
  std::optional<Stream> stream_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace penstock::gateway
