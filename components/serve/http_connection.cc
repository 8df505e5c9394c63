#include "components/serve/http_connection.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace penstock::serve {
namespace {

namespace http = beast::http;

constexpr std::size_t kSmallRead = 8U << 10;
constexpr std::size_t kBodyRead = 64U << 10;
constexpr std::size_t kMaxDiscarded = 16U << 20;
constexpr std::chrono::seconds kLingerTime{2};
constexpr const char* kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string HeadOf(const HttpResponse& response, bool close) {
  const auto status = http::int_to_status(static_cast<unsigned>(response.status));
  std::string head;
  head.reserve(192);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).push_back(' ');
  const auto reason = http::obsolete_reason(status);
  head.append(reason.data(), reason.size())
      .append("\r\nContent-Type: ")
      .append(response.content_type);
  head.append("\r\nContent-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  head.append(response.headers);
  if (close) head.append("Connection: close\r\n");
  head.append("\r\n");
  return head;
}

template <typename Fields>
std::string Header(const Fields& fields, boost::beast::string_view name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}

}  // namespace

void Connection::Start() {
  net::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->NextRequest(); });
}

void Connection::CloseIfIdle() {
  net::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    const bool idle = !self->busy_ && (!self->parser_ || !self->parser_->got_some());
    if (idle) self->Close();
  });
}

void Connection::NextRequest() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(host_->limits.header_bytes);
  parser_->body_limit(host_->limits.body_bytes);
  header_deadline_.reset();
  busy_ = false;
  continued_ = false;
  if (buffer_.size() > 0) {
    Parse();  // pipelined
  } else if (host_->closing && !keep_alive_) {
    Close();
  } else {
    Read();
  }
}

void Connection::Read() {
  std::size_t room = kSmallRead;
  if (parser_->is_header_done()) {
    stream_.expires_after(host_->limits.body_idle);
    room = kBodyRead;
  } else if (header_deadline_) {
    stream_.expires_at(*header_deadline_);
  } else {
    stream_.expires_after(host_->limits.keep_alive_idle);
  }
  stream_.async_read_some(
      buffer_.prepare(room),
      [self = shared_from_this()](beast::error_code ec, std::size_t n) { self->OnRead(ec, n); });
}

void Connection::OnRead(beast::error_code ec, std::size_t bytes) {
  // The stream has closed the socket by then, so a 408 could not be written; it is counted.
  if (ec == beast::error::timeout && header_deadline_) host_->handler->CountRefused(408);
  if (ec) return Close();
  buffer_.commit(bytes);
  if (!header_deadline_)
    header_deadline_ = std::chrono::steady_clock::now() + host_->limits.header_time;
  Parse();
}

void Connection::Parse() {
  beast::error_code ec;
  try {
    while (buffer_.size() > 0 && !parser_->is_done()) {
      const std::size_t used = parser_->put(buffer_.data(), ec);
      buffer_.consume(used);
      if (ec || used == 0) break;
    }
  } catch (const std::bad_alloc&) {
    return RefuseWith(503, "the server is out of memory for this request");
  }
  if (ec && ec != http::error::need_more) return Refuse(ec);
  if (parser_->is_header_done() && !HoldBody(parser_->get().body().size())) {
    return RefuseWith(503, "the server holds too many request bodies at once");
  }
  if (parser_->is_done()) return Dispatch();
  if (parser_->is_header_done() && !continued_ &&
      beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    return Continue();
  }
  Read();
}

void Connection::Continue() {
  continued_ = true;
  stream_.expires_after(host_->limits.write_time);
  net::async_write(stream_, net::buffer(kContinue, std::char_traits<char>::length(kContinue)),
                   [self = shared_from_this()](beast::error_code ec, std::size_t) {
                     ec ? self->Close() : self->Read();
                   });
}

void Connection::Dispatch() {
  auto message = parser_->release();
  keep_alive_ = message.keep_alive();
  busy_ = true;
  stream_.expires_never();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.content_type = Header(message, "Content-Type");
  request.content_encoding = Header(message, "Content-Encoding");
  request.timeout_ms = Header(message, "x-request-timeout-ms");
  request.binary_tensors = message.find("Inference-Header-Content-Length") != message.end();
  request.body = std::move(message.body());
  // Back onto the strand; at once when the handler answers at once.
  auto respond = [self = shared_from_this()](HttpResponse response) {
    net::dispatch(self->stream_.get_executor(), [self, response = std::move(response)]() mutable {
      self->Write(std::move(response));
    });
  };
  try {
    host_->handler->Handle(std::move(request), respond);
  } catch (const std::exception& e) {
    host_->handler->CountRefused(500);
    keep_alive_ = false;
    respond(ErrorResponse(Internal(std::string("the request could not be handled: ") + e.what())));
  }
}

void Connection::Refuse(beast::error_code ec) {
  if (ec == http::error::header_limit)
    return RefuseWith(431, "the request's headers are too large");
  if (ec == http::error::body_limit) {
    return RefuseWith(
        413, "the body is larger than " + std::to_string(host_->limits.body_bytes) + " bytes");
  }
  if (ec == http::error::bad_version)
    return RefuseWith(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  RefuseWith(400, "this is no HTTP request: " + ec.message());
}

void Connection::RefuseWith(int status, const std::string& message) {
  Error error = Invalid(message);
  error.http_status = status;
  if (status == 503) error.retry_after = std::chrono::seconds(1);
  refused_ = true;
  keep_alive_ = false;
  busy_ = true;
  host_->handler->CountRefused(status);
  Write(ErrorResponse(error));
}

void Connection::Write(HttpResponse response) {
  if (host_->closing) keep_alive_ = false;
  HoldBody(0);
  head_ = HeadOf(response, !keep_alive_);
  body_ = std::move(response.body);
  stream_.expires_after(host_->limits.write_time);
  const std::array<net::const_buffer, 2> buffers = {net::buffer(head_), net::buffer(body_)};
  net::async_write(stream_, buffers,
                   [self = shared_from_this()](beast::error_code ec, std::size_t) {
                     ec ? self->Close() : self->OnWritten();
                   });
}

void Connection::OnWritten() {
  body_ = {};
  if (keep_alive_) return NextRequest();
  if (!refused_) return Close();
  // The client may still be sending. Closing now would reset the connection and lose the response.
  beast::error_code ignored;
  stream_.socket().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(kLingerTime);
  Linger();
}

void Connection::Linger() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(kBodyRead),
                          [self = shared_from_this()](beast::error_code ec, std::size_t n) {
                            self->discarded_ += n;
                            if (ec || self->discarded_ > kMaxDiscarded) return self->Close();
                            self->Linger();
                          });
}

void Connection::Close() {
  beast::error_code ignored;
  stream_.socket().shutdown(net::ip::tcp::socket::shutdown_both, ignored);
  stream_.close();
}

bool Connection::HoldBody(std::uint64_t bytes) {
  const std::uint64_t all = host_->held_body_bytes += bytes - held_;  // wraps, as it should
  held_ = bytes;
  return bytes == 0 || all <= host_->limits.held_body_bytes;
}

}  // namespace penstock::serve
