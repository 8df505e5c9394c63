// What a pod's container left as its last words, read once however often the pod is judged: a run
// of thousands of steps is planned again and again, with most of its pods ended. Copies share text
// and reading. Thread-safe to read.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

class TerminationText {
 public:
  TerminationText() = default;
  TerminationText(std::string text)  // NOLINT: it is one
      : said_(text.empty() ? nullptr : std::make_shared<Said>(std::move(text))) {}
  TerminationText(const char* text) : TerminationText(std::string(text)) {}  // NOLINT

  [[nodiscard]] bool empty() const { return said_ == nullptr; }
  void clear() { said_.reset(); }
  // As it stands in the pod: hostile.
  [[nodiscard]] const std::string& text() const {
    static const std::string kNone;
    return said_ == nullptr ? kNone : said_->text;
  }
  // As ParseTerminationMessage says; it lives as long as this text.
  [[nodiscard]] const Result<TerminationMessage>& Read() const {
    static const Result<TerminationMessage> kNone = ParseTerminationMessage("");
    if (said_ == nullptr) return kNone;
    std::call_once(said_->once, [this] { said_->read = ParseTerminationMessage(said_->text); });
    return *said_->read;
  }

 private:
  struct Said {
    explicit Said(std::string t) : text(std::move(t)) {}
    const std::string text;
    std::once_flag once;
    std::optional<Result<TerminationMessage>> read;
  };
  std::shared_ptr<Said> said_;
};

}  // namespace penstock::plan
