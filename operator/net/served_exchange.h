// The request that a connection of HttpServer serves, and its answer. Only http_server.cc includes
// it: it brings Beast. Used by the connection's thread.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "operator/base/file.h"
#include "operator/net/http_server.h"
#include "operator/net/wire.h"

namespace penstock::net {

inline constexpr std::size_t kSentPiece = 64 * 1024;  // of a file; each connection may hold one

// What the connection has of its server.
struct ServedHooks {
  std::function<void()> caller_is_known;
  std::function<bool()> is_trusted;  // the certificate that the client has shown, as of now
};

class ServedExchange : public Exchange {
 public:
  ServedExchange(const HttpServerOptions& options, std::stop_token stop, Stream& stream,
                 Incoming<true>& request, ServedHooks hooks)
      : options_(options),
        hooks_(std::move(hooks)),
        stop_(std::move(stop)),
        stream_(stream),
        request_(request),
        method_(request.message().method_string()) {
    const std::string target(request.message().target());
    const std::size_t mark = target.find('?');
    path_ = target.substr(0, mark);
    if (mark != std::string::npos) query_ = target.substr(mark + 1);
  }

  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string& name) const override {
    return std::string(request_.message()[name]);
  }
  std::optional<std::uint64_t> ContentLength() const override {
    const auto length = request_.parser().content_length();
    if (!length) return std::nullopt;
    return *length;
  }
  bool ExpectsContinue() const override {
    return boost::beast::iequals(request_.message()[boost::beast::http::field::expect],
                                 "100-continue");
  }
  std::stop_token stop() const override { return stop_; }
  std::string ClientCertificate() const override {
    std::string certificate = stream_.PeerCertificate();
    return certificate.empty() || hooks_.is_trusted() ? certificate : "";
  }
  void CallerIsKnown() override { hooks_.caller_is_known(); }

  Result<std::string_view> ReadBody() override {
    if (!SendContinue()) return Transient("the connection broke");
    auto piece = request_.ReadSome();
    if (piece) return piece;
    broken_ = true;
    return Transient("the body broke off: " + piece.error().message);
  }

  void Respond(int status, const std::string& content_type, const std::string& body,
               const Headers& headers) override {
    std::string text = HeadOf(status, body.size(), headers, content_type);
    if (method_ != "HEAD") text += body;
    Send(text);
  }

  void RespondFile(int status, const std::filesystem::path& file, std::uint64_t offset,
                   std::uint64_t length, const Headers& headers) override {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return RespondError(*this, OpenError(file, errno));
    Send(HeadOf(status, length, headers, ""));
    if (method_ != "HEAD") SendFile(fd, offset, length);
    ::close(fd);
  }

  void RespondStream(int status, std::uint64_t length, const Headers& headers,
                     const std::function<Result<void>(const Take&)>& write) override {
    Send(HeadOf(status, length, headers, ""));
    if (method_ == "HEAD" || broken_) return;
    std::uint64_t left = length;
    const auto written = write([&](std::string_view bytes) -> Result<void> {
      if (bytes.size() > left) return Internal("the answer is longer than it was told to be");
      left -= bytes.size();
      auto sent = stream_.Write(bytes);
      broken_ = broken_ || !sent;
      return sent;
    });
    broken_ = broken_ || !written || left > 0;
  }
  bool BeginStream(int status, const std::string& content_type, const Headers& headers) override {
    last_ = true;
    std::string head = HeadOf(status, std::nullopt, headers, content_type);
    Send(head);
    return !broken_ && method_ != "HEAD";
  }
  bool SendPiece(std::string_view bytes) override {
    broken_ = broken_ || !stream_.Write(bytes);
    return !broken_;
  }

  // The connection is closed after the answer, which says so.
  void EndAfterwards() { last_ = true; }
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] bool GoesOn() const { return answered_ && !broken_ && keep_alive_; }
  [[nodiscard]] bool BodyLeft() const {
    return answered_ && !broken_ && !request_.parser().is_done();
  }

 private:
  // That a file of ours is closed to us is our fault, and nothing that the caller may not do.
  static Error OpenError(const std::filesystem::path& file, int error_number) {
    if (error_number == ENOENT) return NotFound("the file has gone");
    Error error = FromErrno("opening " + file.string(), error_number);
    if (error.kind == ErrorKind::kForbidden) error.kind = ErrorKind::kInternal;
    return error;
  }

  std::string HeadOf(int status, std::optional<std::uint64_t> length, const Headers& headers,
                     const std::string& content_type) {
    // A body that nobody read would be taken for the next request.
    keep_alive_ = options_.keep_alive && !last_ && request_.message().keep_alive() &&
                  request_.parser().is_done() && !stop_.stop_requested();
    std::string out = "HTTP/1.1 " + std::to_string(status) + " " +
                      std::string(boost::beast::http::obsolete_reason(
                          static_cast<boost::beast::http::status>(status))) +
                      "\r\n";
    if (!content_type.empty()) out += "Content-Type: " + content_type + "\r\n";
    for (const auto& [name, value] : headers) {
      out.append(name).append(": ").append(value).append("\r\n");
    }
    if (length) out += "Content-Length: " + std::to_string(*length) + "\r\n";
    if (!keep_alive_) out += "Connection: close\r\n";
    return out + "\r\n";
  }

  void Send(const std::string& text) {
    broken_ = broken_ || !stream_.Write(text);
    answered_ = true;
  }

  void SendFile(int fd, std::uint64_t offset, std::uint64_t length) {
    std::string piece(std::min<std::uint64_t>(length, kSentPiece), '\0');
    while (length > 0 && !broken_) {
      const ssize_t n = ::pread(fd, piece.data(), std::min<std::uint64_t>(length, kSentPiece),
                                static_cast<off_t>(offset));
      // Shorter than promised: only a cut connection can say so now.
      if (n <= 0) {
        broken_ = true;
        return;
      }
      offset += static_cast<std::uint64_t>(n);
      length -= static_cast<std::uint64_t>(n);
      broken_ = !stream_.Write(std::string_view(piece).substr(0, static_cast<std::size_t>(n)));
    }
  }

  bool SendContinue() {
    if (!ExpectsContinue() || continued_) return true;
    continued_ = true;
    broken_ = broken_ || !stream_.Write("HTTP/1.1 100 Continue\r\n\r\n");
    return !broken_;
  }

  const HttpServerOptions& options_;
  const ServedHooks hooks_;
  const std::stop_token stop_;
  Stream& stream_;
  Incoming<true>& request_;
  const std::string method_;
  std::string path_;
  std::string query_;
  bool continued_ = false;
  bool answered_ = false;
  bool broken_ = false;
  bool keep_alive_ = false;
  bool last_ = false;
};

}  // namespace penstock::net
