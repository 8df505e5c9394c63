// One connection of HttpClient. Only http_transport.cc and http_connection.cc include this.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/kube/http_transport.h"
#include "operator/net/beast.h"

namespace penstock::kube {

struct HttpUrl {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string path;         // "" or "/prefix"
  std::string host_header;  // host[:port], as in the URL
};

// When a call must be over, and what may end it before.
struct Limits {
  SteadyTime deadline;
  std::stop_token stop;
};

// Used by one thread at a time.
class HttpConnection {
 public:
  HttpConnection(const HttpUrl& url, boost::asio::ssl::context& tls, std::string verify_name);

  [[nodiscard]] Result<void> Connect(const std::vector<std::string>& addresses, Limits limits);
  [[nodiscard]] Result<void> Write(const HttpRequest& request, const std::string& target,
                                   Limits limits);
  // Reads status and headers; the body is still to be read.
  [[nodiscard]] Result<HttpResponse> ReadHead(Limits limits);
  // The next bytes of the body; empty when it is over.
  [[nodiscard]] Result<std::string_view> ReadSome(Limits limits);

  // True when the whole answer was read and the server keeps the connection.
  [[nodiscard]] bool Reusable() const;
  // False when the server closed, or sent what was not asked for.
  [[nodiscard]] bool StillOpen();
  // True until the first byte of the current answer.
  [[nodiscard]] bool NothingRead() const { return nothing_read_; }

 private:
  using Tcp = boost::asio::ip::tcp;
  using TlsStream = boost::asio::ssl::stream<Tcp::socket>;
  using Parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  // Starts an operation and runs it here until its handler, the deadline or the stop. `what` names
  // it in the error.
  template <typename Start>
  Result<void> Run(const char* what, const Limits& limits, Start&& start);
  Tcp::socket& Socket() { return stream_.next_layer(); }
  void Close();
  Result<void> Handshake(const Limits& limits);

  const HttpUrl& url_;
  const std::string verify_name_;
  boost::asio::io_context io_;
  TlsStream stream_;  // of a plain connection only its next layer is used
  boost::beast::flat_buffer buffer_;
  std::unique_ptr<Parser> parser_;
  std::vector<char> chunk_;
  boost::system::error_code last_;
  bool nothing_read_ = true;
  bool broken_ = false;
};

}  // namespace penstock::kube
