// The client's end of one connection: a request out, an answer's head and body in. Only
// http_client.cc includes it: it brings Beast.
#pragma once

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <string>

#include "operator/net/http_client.h"
#include "operator/net/request_head.h"
#include "operator/net/wire.h"

namespace penstock::net {

// One connection, used by one call at a time.
class Connection {
  static constexpr std::uint32_t kMaxHead = 64 * 1024;
  static constexpr std::chrono::milliseconds kLateAnswer{2'000};
  static constexpr int kMostInterim = 16;

 public:
  Connection(std::string where, Stream stream)
      : where_(std::move(where)), stream_(std::move(stream)) {}

  [[nodiscard]] Stream& stream() { return stream_; }

  // Sends the request and reads the answer's head.
  Result<HttpResponse> Ask(const HttpRequest& request, std::string head, const Limits& limits) {
    stream_.Limit(limits);
    head += request.body;
    auto sent = stream_.Write(head);
    if (sent && ExpectsContinue(request)) {
      auto early = ReadAnswer(request, 100);
      if (early && early->status != 100) refused_ = true;
      if (!early || early->status != 100) return early;
    }
    if (sent && request.source) {
      auto whole = SendBody(request, sent);
      if (!whole) return whole.error();
    }
    if (sent) return ReadAnswer(request);
    if (sent.error().kind == ErrorKind::kCancelled) return Failed("sending to ", sent.error());
    // A server that refuses says why before it closes: then the answer tells more than EPIPE.
    Limits late = limits;
    late.idle = std::min(late.idle, kLateAnswer);
    stream_.Limit(std::move(late));
    auto answer = ReadAnswer(request);
    if (!answer) return Failed("sending to ", sent.error());
    refused_ = true;
    return answer;
  }

  // The next bytes of the body; empty when it is over.
  Result<std::string_view> ReadSome() {
    auto piece = answer_->ReadSome();
    if (!piece) return Failed("reading from ", piece.error());
    return piece;
  }

  [[nodiscard]] bool Reusable() {
    return !refused_ && answer_ && answer_->parser().is_done() && answer_->message().keep_alive() &&
           buffer_.size() == 0;
  }
  // True until the first byte of the current answer.
  [[nodiscard]] bool NothingRead() { return !answer_ || !answer_->parser().got_some(); }

 private:
  // `sent` becomes the error of a connection that broke; the source's own error ends the call.
  Result<void> SendBody(const HttpRequest& request, Result<void>& sent) {
    while (sent) {
      auto piece = request.source();
      if (!piece) return piece.error();
      if (piece->empty()) break;
      sent = stream_.Write(*piece);
    }
    return {};
  }

  // Past the heads that only come before an answer (102, 103, an unasked 100), but for `awaited`.
  Result<HttpResponse> ReadAnswer(const HttpRequest& request, int awaited = 0) {
    auto head = ReadHead(request);
    for (int i = 0; i < kMostInterim && head && head->status < 200 && head->status != awaited; ++i)
      head = ReadHead(request);
    if (head && head->status < 200 && head->status != awaited)
      return Transient("reading from " + where_ + ": no answer after interim ones");
    return head;
  }

  Result<HttpResponse> ReadHead(const HttpRequest& request) {
    answer_.emplace(stream_, buffer_, kMaxHead);
    if (request.method == "HEAD") answer_->parser().skip(true);
    if (const auto ec = answer_->ReadHead()) return Failed("reading from ", answer_->ErrorOf(ec));
    HttpResponse response;
    response.status = static_cast<int>(answer_->message().result_int());
    for (const auto& field : answer_->message()) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      response.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    return response;
  }

  [[nodiscard]] Error Failed(const char* doing, const Error& error) const {
    return Wrap(doing + where_, error);
  }

  const std::string where_;
  Stream stream_;
  Incoming<false>::Buffer buffer_;
  std::optional<Incoming<false>> answer_;
  bool refused_ = false;  // it answered before the request was whole
};

}  // namespace penstock::net
