#include "operator/gateway/connection.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>

namespace penstock::gateway {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kLingerBytes = 8 << 20;
constexpr std::chrono::milliseconds kLingerTime{2'000};

using Parser = http::request_parser<http::buffer_body>;

}  // namespace

template <typename Start>
error_code Connection::Await(std::chrono::milliseconds timeout, Start start) {
  std::optional<error_code> result;
  start([&result](error_code ec, auto&&...) { result = ec; });
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  bool timed_out = false;
  io_.restart();
  while (!result) {
    if (stop_.stop_requested()) Close();
    if (timed_out) {
      io_.run_one();
    } else if (io_.run_one_until(deadline) == 0 && !result) {
      timed_out = true;
      Close();
      io_.restart();
    }
  }
  return timed_out ? make_error_code(boost::system::errc::timed_out) : *result;
}

void Connection::Close() {
  error_code ignored;  // it is thrown away
  socket_.close(ignored);
}

void Connection::Interrupt() {
  asio::post(io_, [this] { Close(); });
}

// The request that is being served.
class ConnectionExchange : public Exchange {
 public:
  ConnectionExchange(Connection& connection, Parser& parser)
      : c_(connection), parser_(parser), method_(parser.get().method_string()) {
    const std::string target(parser.get().target());
    const std::size_t mark = target.find('?');
    path_ = target.substr(0, mark);
    if (mark != std::string::npos) query_ = target.substr(mark + 1);
  }

  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string& name) const override {
    return std::string(parser_.get()[name]);
  }
  std::optional<std::uint64_t> ContentLength() const override {
    const auto length = parser_.content_length();
    if (!length) return std::nullopt;
    return *length;
  }
  bool ExpectsContinue() const override {
    return boost::beast::iequals(parser_.get()[http::field::expect], "100-continue");
  }
  std::stop_token stop() const override { return c_.stop_; }

  Result<std::string_view> ReadBody() override {
    if (!SendContinue()) return Transient("the connection broke");
    piece_.resize(kPiece);
    while (!parser_.is_done()) {
      parser_.get().body().data = piece_.data();
      parser_.get().body().size = piece_.size();
      parser_.get().body().more = true;
      const error_code ec = c_.Await(c_.options_.idle_timeout, [&](auto h) {
        http::async_read_some(*c_.stream_, c_.buffer_, parser_, std::move(h));
      });
      if (ec && ec != http::error::need_buffer) {
        broken_ = true;
        return Transient("the body broke off: " + ec.message());
      }
      const std::size_t got = piece_.size() - parser_.get().body().size;
      if (got > 0) return std::string_view(piece_.data(), got);
    }
    return std::string_view();
  }

  void Respond(int status, const std::string& content_type, const std::string& body,
               const Headers& headers) override {
    http::response<http::string_body> r{static_cast<http::status>(status), 11};
    r.set(http::field::content_type, content_type);
    for (const auto& [name, value] : headers) r.set(name, value);
    r.content_length(body.size());
    r.keep_alive(KeepAlive());
    if (method_ != "HEAD") r.body() = body;
    http::response_serializer<http::string_body> serializer{r};
    const error_code ec = c_.Await(c_.options_.idle_timeout, [&](auto h) {
      if (method_ == "HEAD")
        http::async_write_header(*c_.stream_, serializer, std::move(h));
      else
        http::async_write(*c_.stream_, serializer, std::move(h));
    });
    broken_ = broken_ || ec;
    answered_ = true;
  }

  void RespondFile(int status, const std::filesystem::path& file, std::uint64_t offset,
                   std::uint64_t length, const Headers& headers) override {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return RespondError(*this, 404, "the file has gone");
    http::response<http::buffer_body> r{static_cast<http::status>(status), 11};
    for (const auto& [name, value] : headers) r.set(name, value);
    r.content_length(length);
    r.keep_alive(KeepAlive());
    r.body().data = nullptr;
    r.body().more = length > 0;
    http::response_serializer<http::buffer_body> serializer{r};
    error_code ec = c_.Await(c_.options_.idle_timeout, [&](auto h) {
      http::async_write_header(*c_.stream_, serializer, std::move(h));
    });
    answered_ = true;
    if (!ec && method_ != "HEAD") ec = SendFile(fd, offset, length, r, serializer);
    broken_ = broken_ || ec;
    ::close(fd);
  }

  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] bool GoesOn() const { return answered_ && !broken_ && keep_alive_; }
  [[nodiscard]] bool BodyLeft() const { return answered_ && !broken_ && !parser_.is_done(); }

 private:
  template <typename Response, typename Serializer>
  error_code SendFile(int fd, std::uint64_t offset, std::uint64_t length, Response& r,
                      Serializer& serializer) {
    piece_.resize(kPiece);
    while (length > 0) {
      const ssize_t n = ::pread(fd, piece_.data(), std::min<std::uint64_t>(length, kPiece),
                                static_cast<off_t>(offset));
      // Shorter than promised: only a cut connection can say so now.
      if (n <= 0) return make_error_code(boost::system::errc::io_error);
      offset += static_cast<std::uint64_t>(n);
      length -= static_cast<std::uint64_t>(n);
      r.body().data = piece_.data();
      r.body().size = static_cast<std::size_t>(n);
      r.body().more = length > 0;
      const error_code ec = c_.Await(c_.options_.idle_timeout, [&](auto h) {
        http::async_write(*c_.stream_, serializer, std::move(h));
      });
      if (ec && ec != http::error::need_buffer) return ec;
    }
    return {};
  }

  // A body that nobody read would be taken for the next request.
  bool KeepAlive() {
    keep_alive_ = parser_.get().keep_alive() && parser_.is_done() && !c_.stop_.stop_requested();
    return keep_alive_;
  }

  bool SendContinue() {
    if (!ExpectsContinue() || continued_) return true;
    continued_ = true;
    http::response<http::empty_body> r{http::status::continue_, 11};
    const error_code ec = c_.Await(
        c_.options_.idle_timeout, [&](auto h) { http::async_write(*c_.stream_, r, std::move(h)); });
    broken_ = broken_ || ec;
    return !ec;
  }

  Connection& c_;
  Parser& parser_;
  std::string method_;
  std::string path_;
  std::string query_;
  std::string piece_;
  bool continued_ = false;
  bool answered_ = false;
  bool broken_ = false;
  bool keep_alive_ = false;
};

void Connection::Serve(std::shared_ptr<asio::ssl::context> tls, bool overloaded) {
  std::stop_callback close_on_stop(stop_, [this] { Interrupt(); });
  error_code ignored;  // an option that only saves time
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  stream_.emplace(socket_, *tls);
  const error_code ec = Await(options_.handshake_timeout, [&](auto h) {
    stream_->async_handshake(asio::ssl::stream_base::server, std::move(h));
  });
  if (!ec)
    while (ServeOne(overloaded)) {
    }
  Close();
}

bool Connection::ServeOne(bool overloaded) {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
  parser.body_limit(
      std::numeric_limits<std::uint64_t>::max());  // none: Boost 1.74 then refuses all
  const error_code ec = Await(options_.idle_timeout, [&](auto h) {
    http::async_read_header(*stream_, buffer_, parser, std::move(h));
  });
  ConnectionExchange exchange(*this, parser);
  if (ec == http::error::header_limit) {
    RespondError(exchange, 431, "the request's headers are too large");
    return false;
  }
  if (ec.category() == make_error_code(http::error::bad_method).category() &&
      ec != http::error::end_of_stream && ec != http::error::partial_message)
    RespondError(exchange, 400, "the request is not HTTP: " + ec.message());
  if (ec) return false;
  try {
    if (overloaded)
      RespondError(exchange, 503, "too many connections; try again", {{"Retry-After", "1"}});
    else
      router_.Dispatch(exchange);
  } catch (const std::exception& e) {
    if (!exchange.answered())
      RespondError(exchange, 500, std::string("the server failed: ") + e.what());
  }
  if (exchange.BodyLeft()) Linger();
  return exchange.GoesOn() && !overloaded;
}

// Takes what the peer is still sending, so that it reads our answer and no reset.
void Connection::Linger() {
  std::string piece(kPiece, '\0');
  const auto until = std::chrono::steady_clock::now() + kLingerTime;
  for (std::size_t taken = 0; taken < kLingerBytes;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    std::size_t got = 0;
    const error_code ec = left.count() <= 0 ? make_error_code(boost::system::errc::timed_out)
                                            : Await(left, [&](auto h) {
                                                stream_->async_read_some(
                                                    asio::buffer(piece),
                                                    [&got, h](error_code e, std::size_t n) mutable {
                                                      got = n;
                                                      h(e);
                                                    });
                                              });
    if (ec) return;
    taken += got;
  }
}

}  // namespace penstock::gateway
