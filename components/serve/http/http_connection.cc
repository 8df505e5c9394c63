#include "components/serve/http/http_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <new>
#include <utility>

namespace penstock::serve {
namespace {

namespace http = beast::http;

constexpr std::size_t kSmallRead = 8U << 10;
constexpr std::size_t kBodyRead = 64U << 10;
constexpr std::size_t kSmallWrite = 4U << 10;
constexpr std::size_t kMaxDiscarded = 16U << 20;
constexpr std::chrono::milliseconds kLingerTime{2000};
constexpr const char* kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Into `head`, whose room is used again.
void WriteHead(const HttpResponse& response, bool close, std::string* head) {
  const auto reason =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
  head->assign("HTTP/1.1 ").append(std::to_string(response.status)).push_back(' ');
  head->append(reason.data(), reason.size());
  head->append("\r\nContent-Type: ").append(response.content_type);
  head->append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  head->append("\r\n").append(response.headers);
  head->append(close ? "Connection: close\r\n\r\n" : "\r\n");
}

// Who gets such answers only may never have meant this server.
bool IsForStrangers(int status) {
  return status == 401 || status == 403 || status == 404 || status == 405;
}

// Where a header goes; null for one that nobody asks for.
std::string* PlaceOf(http::field field, beast::string_view name, HttpRequest* request) {
  if (field == http::field::content_type) return &request->content_type;
  if (field == http::field::content_encoding) return &request->content_encoding;
  if (field == http::field::accept_encoding) return &request->accept_encoding;
  if (field != http::field::unknown) return nullptr;
  if (beast::iequals(name, "x-request-timeout-ms")) return &request->timeout_ms;
  if (beast::iequals(name, "Inference-Header-Content-Length")) return &request->json_length;
  if (beast::iequals(name, "traceparent")) return &request->traceparent;
  return nullptr;
}

// Of a header that came more than once, the first that is not empty.
template <typename Message>
HttpRequest ToRequest(const Message& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    std::string* place = PlaceOf(field.name(), field.name_string(), &request);
    if (place != nullptr && place->empty())
      place->assign(field.value().data(), field.value().size());
  }
  return request;
}

}  // namespace

void TurnAway(HttpConnection::Socket socket) {
  const HttpResponse response = Refusal(503, "the server has too many connections");
  std::string text;
  WriteHead(response, true, &text);
  text.append(response.body);
  beast::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(net::buffer(text), ignored);  // fits the empty send buffer
  socket.shutdown(net::ip::tcp::socket::shutdown_both, ignored);
  socket.close(ignored);
}

void HttpConnection::Start() {
  net::dispatch(*home_, [self = shared_from_this()] { self->BeginRequest(); });
}

// Whoever holds a connection in a context keeps its socket, which may be of another context by the
// time that both are destroyed: hence weak.
void HttpConnection::Tell(void (HttpConnection::*work)()) {
  net::io_context* const context = context_;
  net::post(*context, [context, weak = weak_from_this(), work] {
    const auto self = weak.lock();
    if (!self) return;
    if (self->context_ != context || self->state_ == State::kMoving) return self->Tell(work);
    (self.get()->*work)();
  });
}

void HttpConnection::CloseIfIdle() { Tell(&HttpConnection::CloseNow); }

void HttpConnection::CheckDeadline() { Tell(&HttpConnection::EndIfLate); }

void HttpConnection::CloseNow() {
  if (state_ == State::kReading && (!parser_ || !parser_->got_some())) Close();
}

void HttpConnection::SetDeadline(std::chrono::milliseconds from_now) {
  deadline_ = (std::chrono::steady_clock::now() + from_now).time_since_epoch().count();
}

void HttpConnection::EndIfLate() {
  if (!IsLate(std::chrono::steady_clock::now())) return;
  if (state_ == State::kReading && request_begin_)
    return RefuseWith(408, "the request did not arrive in time");
  Close();
}

// What waits on the socket must have ended first: its handlers run on the thread that is left.
void HttpConnection::MoveTo(net::io_context* context) {
  state_ = State::kMoving;
  NoDeadline();
  destination_ = context;
  if (!watching_) return FinishMove();
  beast::error_code ignored;
  socket_.cancel(ignored);  // OnReadable goes on
}

void HttpConnection::FinishMove() {
  beast::error_code ec;
  const auto protocol = socket_.local_endpoint(ec).protocol();
  if (ec) return Close();
  const int descriptor = socket_.release(ec);
  if (ec) return Close();
  Socket moved(*destination_);
  moved.assign(protocol, descriptor, ec);
  if (ec) {
    close(descriptor);
    return Close();
  }
  socket_ = std::move(moved);
  net::io_context* const context = destination_;
  context_ = context;  // from here on the connection is the other thread's
  net::post(*context, [self = shared_from_this()] {
    self->state_ = State::kReading;
    self->parser_ ? self->Read() : self->BeginRequest();
  });
}

void HttpConnection::NextRequest() {
  parser_.reset();
  IsAtHome() ? BeginRequest() : MoveTo(home_);
}

void HttpConnection::BeginRequest() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(host_->limits.header_bytes);
  parser_->body_limit(host_->limits.body_bytes);
  request_begin_.reset();
  state_ = State::kReading;
  continued_ = false;
  if (buffer_.size() > 0) {
    request_begin_ = std::chrono::steady_clock::now();
    Parse();  // pipelined
  } else if (host_->closing && !keep_alive_) {
    Close();
  } else {
    Read();
  }
}

void HttpConnection::Read() {
  std::size_t room = kSmallRead;
  const HttpLimits& limits = host_->limits;
  if (!request_begin_) {
    SetDeadline(is_stranger_ ? std::min(limits.stranger_idle, limits.keep_alive_idle)
                             : limits.keep_alive_idle);
  } else if (parser_->is_header_done()) {
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - *request_begin_);
    SetDeadline(std::min(limits.body_idle, limits.request_time - spent));
    room = kBodyRead;
  } else {
    deadline_ = (*request_begin_ + limits.header_time).time_since_epoch().count();
  }
  reading_ = true;
  socket_.async_read_some(
      buffer_.prepare(room),
      [self = shared_from_this()](beast::error_code ec, std::size_t n) { self->OnRead(ec, n); });
}

void HttpConnection::OnRead(beast::error_code ec, std::size_t bytes) {
  reading_ = false;
  if (state_ == State::kWriting) return;  // a refusal is on its way out
  if (state_ == State::kLingering) return ec ? Close() : Discard();
  if (ec) return Close();
  buffer_.commit(bytes);
  if (!request_begin_) request_begin_ = std::chrono::steady_clock::now();
  Parse();
}

// What still comes of a request that was refused is thrown away, by the kernel: never copied.
void HttpConnection::Discard() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](beast::error_code ec) {
    self->OnDiscardable(ec);
  });
}

void HttpConnection::OnDiscardable(beast::error_code ec) {
  if (ec || state_ != State::kLingering) return Close();
  buffer_.clear();
  const auto room = buffer_.prepare(kBodyRead);
  const ssize_t n =
      recv(socket_.native_handle(), room.data(), room.size(), MSG_TRUNC | MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return Close();
  discarded_ += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  discarded_ > kMaxDiscarded ? Close() : Discard();
}

void HttpConnection::Parse() {
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
  if (parser_->is_header_done() && !held_.Hold(parser_->get().body().size()))
    return RefuseWith(503, "the server holds too many request bodies at once");
  if (parser_->is_done()) return Dispatch();
  if (parser_->is_header_done() && !continued_ &&
      beast::iequals(parser_->get()[http::field::expect], "100-continue"))
    return Continue();
  const bool large = parser_->is_header_done() && !parser_->get().body().IsSmall();
  if (large && IsAtHome()) return MoveTo(host_->Aside());
  Read();
}

void HttpConnection::Continue() {
  continued_ = true;
  SetDeadline(host_->limits.write_time);
  net::async_write(socket_, net::buffer(kContinue, std::char_traits<char>::length(kContinue)),
                   [self = shared_from_this()](beast::error_code ec, std::size_t) {
                     if (self->state_ != State::kReading) return;
                     ec ? self->Close() : self->Read();
                   });
}

void HttpConnection::Dispatch() {
  auto message = parser_->release();
  keep_alive_ = message.keep_alive();
  head_only_ = message.method() == http::verb::head;
  state_ = State::kBusy;
  NoDeadline();
  HttpRequest request = ToRequest(message);
  request.cancelled = departed_;
  GrowingBody body = std::move(message.body());
  if (!body.IsSmall() || !request.content_encoding.empty()) {
    HandleAside(std::move(request), std::move(body));
    return WatchForDeparture();
  }
  request.loop = loop_;  // at home: only large bodies leave it
  Handle(std::move(request), std::move(body));
  const bool soon = loop_ != nullptr && loop_->TakeAnswersThisTurn();
  if (state_ == State::kBusy && !soon) WatchForDeparture();
}

// To inflate and to read many megabytes takes longer than others on this thread can wait.
void HttpConnection::HandleAside(HttpRequest request, GrowingBody body) {
  const auto begin = std::chrono::steady_clock::now();
  net::post(IsAtHome() ? *host_->Aside() : *context_,
            [self = shared_from_this(), begin, request = std::move(request),
             body = std::move(body)]() mutable {
              request.waited = std::chrono::steady_clock::now() - begin;
              if (!self->IsAtHome())
                self->LookForDeparture();  // this thread had no time for its watch
              self->Handle(std::move(request), std::move(body));
            });
}

// On any thread.
void HttpConnection::Handle(HttpRequest request, GrowingBody body) {
  // Back onto the connection's thread; at once when the handler answers at once.
  auto respond = [self = shared_from_this()](HttpResponse response) {
    net::dispatch(*self->context_, [self, response = std::move(response)]() mutable {
      self->Write(std::move(response));
    });
  };
  if (IsCancelled(request.cancelled)) {
    host_->handler->CountRefused(kClientGone);
    return respond(HttpResponse{kClientGone, "", "text/plain", ""});
  }
  try {
    request.body = body.Take();
    host_->handler->Handle(std::move(request), respond);
  } catch (const std::bad_alloc&) {
    host_->handler->CountRefused(503);
    keep_alive_ = false;
    respond(Refusal(503, "the server is out of memory for this request"));
  } catch (const std::exception& e) {
    host_->handler->CountRefused(500);
    keep_alive_ = false;
    respond(ErrorResponse(Internal(std::string("the request could not be handled: ") + e.what())));
  }
}

// A client that closes while its answer is computed is found by its socket being readable, with
// nothing to read. Bytes of a next request end the watch: there is a client.
void HttpConnection::WatchForDeparture() {
  if (watching_) return;
  watching_ = true;
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this()](beast::error_code ec) { self->OnReadable(ec); });
}

void HttpConnection::OnReadable(beast::error_code ec) {
  watching_ = false;
  if (state_ == State::kMoving) return FinishMove();
  if (!ec && state_ == State::kBusy) LookForDeparture();
}

void HttpConnection::LookForDeparture() {
  char byte = 0;
  const ssize_t n = recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  const bool gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  if (gone) *departed_ = true;
}

void HttpConnection::Refuse(beast::error_code ec) {
  if (ec == http::error::header_limit)
    return RefuseWith(431, "the request's headers are too large");
  if (ec == http::error::body_limit) {
    return RefuseWith(
        413, "the body is larger than " + std::to_string(host_->limits.body_bytes) + " bytes");
  }
  if (ec == http::error::bad_version)
    return RefuseWith(400, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  RefuseWith(400, "this is no HTTP request: " + ec.message());
}

void HttpConnection::RefuseWith(int status, const std::string& message) {
  refused_ = true;
  keep_alive_ = false;
  parser_.reset();  // and what came of the body
  host_->handler->CountRefused(status);
  Write(Refusal(status, message));
}

void HttpConnection::Write(HttpResponse response) {
  if (state_ == State::kClosed) return;
  state_ = State::kWriting;
  if (host_->closing) keep_alive_ = false;
  was_served_ = was_served_ || !IsForStrangers(response.status);
  is_stranger_ = !was_served_;
  WriteHead(response, !keep_alive_, &head_);
  body_ = head_only_ ? std::string() : std::move(response.body);
  held_.Count(body_.size() > GrowingBody::kSmall ? body_.size() : 0);
  SetDeadline(host_->limits.write_time);
  auto written = [self = shared_from_this()](beast::error_code ec, std::size_t) {
    ec ? self->Close() : self->OnWritten();
  };
  if (body_.size() <= kSmallWrite) {  // one piece is cheaper to send than two
    head_.append(body_);
    return net::async_write(socket_, net::buffer(head_), std::move(written));
  }
  const std::array<net::const_buffer, 2> buffers = {net::buffer(head_), net::buffer(body_)};
  net::async_write(socket_, buffers, std::move(written));
}

void HttpConnection::OnWritten() {
  if (state_ == State::kClosed) return;
  body_ = {};
  held_.Count(0);
  if (keep_alive_) return NextRequest();
  if (!refused_) return Close();
  // The client may still be sending. Closing now would reset the connection and lose the response.
  state_ = State::kLingering;
  beast::error_code ignored;
  socket_.shutdown(net::ip::tcp::socket::shutdown_send, ignored);
  SetDeadline(kLingerTime);
  if (!reading_) Discard();
}

void HttpConnection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  NoDeadline();
  *departed_ = true;
  beast::error_code ignored;
  socket_.shutdown(net::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace penstock::serve
