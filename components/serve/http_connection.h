// One client connection. Internal to the server: includes Beast, so only http_connection.cc and
// http_server.cc include this. Everything but Start and CloseIfIdle runs on the connection's
// strand.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "components/serve/http.h"
#include "components/serve/http_server.h"
#include "operator/base/beast.h"

namespace penstock::serve {

namespace net = boost::asio;
namespace beast = boost::beast;

// What the connections of a server share.
struct ConnectionHost {
  HttpHandler* handler = nullptr;
  HttpLimits limits;
  std::atomic<bool> closing{false};
  std::atomic<std::uint64_t> held_body_bytes{0};
};

// A string that grows with the bytes that came, not with the length that the client announced.
struct GrowingBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool kIsRequest, class Fields>
    reader(beast::http::header<kIsRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>& length, beast::error_code& ec) {
      // Room for small bodies, with what the JSON parser wants behind them.
      if (length)
        body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 65536) + 64));
      ec = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, beast::error_code& ec) {
      for (auto it = net::buffer_sequence_begin(buffers); it != net::buffer_sequence_end(buffers);
           ++it) {
        const net::const_buffer piece(*it);
        body_.append(static_cast<const char*>(piece.data()), piece.size());
      }
      ec = {};
      return beast::buffer_bytes(buffers);
    }
    void finish(beast::error_code& ec) { ec = {}; }

   private:
    value_type& body_;
  };
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Strand = net::strand<net::io_context::executor_type>;
  using Stream = beast::basic_stream<net::ip::tcp, Strand>;
  using Socket = net::basic_stream_socket<net::ip::tcp, Strand>;

  Connection(Socket socket, std::shared_ptr<ConnectionHost> host)
      : stream_(std::move(socket)), host_(std::move(host)) {}
  ~Connection() { HoldBody(0); }

  void Start();
  // Closes when no request is in hand; a busy one closes after its response.
  void CloseIfIdle();

 private:
  using Parser = beast::http::request_parser<GrowingBody>;

  void NextRequest();
  void Read();
  void OnRead(beast::error_code ec, std::size_t bytes);
  void Parse();
  void Continue();  // 100 Continue
  void Dispatch();
  void Refuse(beast::error_code ec);
  void RefuseWith(int status, const std::string& message);
  void Write(HttpResponse response);
  void OnWritten();
  void Linger();
  void Close();
  // Sets how many body bytes this connection counts for; false when all together are too many.
  bool HoldBody(std::uint64_t bytes);

  Stream stream_;
  const std::shared_ptr<ConnectionHost> host_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<std::chrono::steady_clock::time_point> header_deadline_;
  std::string head_;
  std::string body_;
  std::uint64_t held_ = 0;
  std::size_t discarded_ = 0;
  bool busy_ = false;  // a request is with the handler or its response on the way
  bool keep_alive_ = true;
  bool refused_ = false;    // the rest of the request was not read
  bool continued_ = false;  // 100 Continue was sent
};

}  // namespace penstock::serve
