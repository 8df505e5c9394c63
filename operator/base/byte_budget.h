// How many bytes of requests a server may hold, for all its connections together. Thread-safe; a
// share of it is used by one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>

namespace penstock {

class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t most) : most_(most) {}
  [[nodiscard]] std::uint64_t most() const { return most_; }
  [[nodiscard]] std::uint64_t held() const { return held_; }

  // What one request holds; given back at the latest when it goes. The budget outlives it.
  class Share {
   public:
    explicit Share(ByteBudget* of) : of_(of) {}
    ~Share() { Count(0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // This many instead of what it holds. Less always fits. False, and nothing is held any more,
    // where it does not fit.
    [[nodiscard]] bool Hold(std::uint64_t bytes) {
      std::atomic<std::uint64_t>& all = of_->held_;
      std::uint64_t now = all.load(std::memory_order_relaxed);
      bool fits = true;
      std::uint64_t hold = bytes;
      do {
        // What does not fit is never counted, not for a moment: another that fits is not refused
        // for it.
        fits = bytes <= held_ || (bytes <= of_->most_ && now - held_ <= of_->most_ - bytes);
        hold = fits ? bytes : 0;
      } while (!all.compare_exchange_weak(now, now - held_ + hold));
      held_ = hold;
      return fits;
    }
    // The same for what is there anyway: others may not fit meanwhile.
    void Count(std::uint64_t bytes) {
      if (bytes == held_) return;
      of_->held_ += bytes - held_;  // modulo 2^64
      held_ = bytes;
    }

   private:
    ByteBudget* const of_;
    std::uint64_t held_ = 0;
  };

 private:
  const std::uint64_t most_;
  std::atomic<std::uint64_t> held_{0};
};

}  // namespace penstock
