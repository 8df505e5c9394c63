#include "components/router/proxy/relay.h"

#include <algorithm>
#include <array>

namespace penstock::router {

Relay::Outcome Relay::Begin(const http1::BodyDecoder& body, Buffer* input) {
  body_ = body;
  if (captured_ != nullptr) Keep(head_.data(), head_.size());
  if (!input->empty() && !Decode(input)) return Outcome::kInputBroken;
  const std::size_t fits = std::min(ready_, head_.room());
  if (fits > 0) {
    head_.Append(input->data(), fits);
    input->Consume(fits);
    ready_ -= fits;
  }
  return Outcome::kDone;
}

void Relay::Capture(std::string* to, std::size_t limit) {
  captured_ = to;
  limit_ = limit;
}

void Relay::Keep(const char* bytes, std::size_t size) {
  if (overflown_) return;
  if (captured_->size() + size > limit_) {
    overflown_ = true;
    captured_->clear();
    captured_->shrink_to_fit();
    return;
  }
  captured_->append(bytes, size);
}

bool Relay::Decode(Buffer* input) {
  char* const fresh = input->data() + ready_;
  const auto piece = body_.Feed(fresh, input->size() - ready_);
  if (piece.broken) return false;
  if (captured_ != nullptr) Keep(fresh, piece.kept);
  if (piece.kept < piece.taken) input->Cut(ready_ + piece.kept, piece.taken - piece.kept);
  ready_ += piece.kept;
  return true;
}

void Relay::ForgetHead() {
  if (sent_ == head_.size()) {
    head_.Release();
    sent_ = 0;
    whole_in_head_ = false;
  }
}

Relay::Outcome Relay::Send(Buffer* input, Stream* to) {
  while (sent_ < head_.size() || ready_ > 0) {
    if (!to->writable()) return Outcome::kWantsOutput;
    std::array<iovec, 2> parts{};
    int count = 0;
    const std::size_t of_head = head_.size() - sent_;
    if (of_head > 0) parts[static_cast<std::size_t>(count++)] = {head_.data() + sent_, of_head};
    if (ready_ > 0) parts[static_cast<std::size_t>(count++)] = {input->data(), ready_};
    std::size_t written = 0;
    switch (to->Write(parts.data(), count, &written)) {
      case Stream::Got::kSome:
        break;
      case Stream::Got::kNothing:
        return Outcome::kWantsOutput;
      default:
        return Outcome::kOutputLost;
    }
    sent_ += std::min(written, of_head);
    if (written > of_head) {
      whole_in_head_ = false;
      input->Consume(written - of_head);
      ready_ -= written - of_head;
    }
  }
  return Outcome::kDone;
}

Relay::Outcome Relay::Run(Stream* from, Buffer* input, Stream* to) {
  while (true) {
    if (auto sent = Send(input, to); sent != Outcome::kDone) return sent;
    if (body_.done() || until_close_ended_) {
      finished_ = true;
      return Outcome::kDone;
    }
    if (!from->readable()) {
      input->ReleaseIfEmpty();
      return Outcome::kWantsInput;
    }
    input->MakeRoom();
    std::size_t got = 0;
    switch (from->Read(input->tail(), input->room(), &got)) {
      case Stream::Got::kSome:
        break;
      case Stream::Got::kNothing:
        continue;
      case Stream::Got::kEnd:
        if (body_.framing() != http1::Framing::kUntilClose) return Outcome::kInputEnded;
        until_close_ended_ = true;
        continue;
      case Stream::Got::kBroken:
        return Outcome::kInputEnded;
    }
    input->Added(got);
    if (!Decode(input)) return Outcome::kInputBroken;
  }
}

}  // namespace penstock::router
