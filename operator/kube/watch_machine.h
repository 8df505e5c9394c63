// What a watcher does next: the list-and-watch protocol as a state machine without I/O.
//
//            streaming list refused or cut short
//   kStream ------------------------------------> kPage <--+ next page
//      |  end-of-initial-events bookmark            |  ----+
//      v                                            v last page
//   kWatch <----------------------------------------+
//      |  410, nonsense or a lasting refusal: begin at the top
//      |  anything else: back-off, then kWatch again from the last version
//
// The caller asks Next(), waits `pause`, does the step, and reports. Used by one thread.
#pragma once

#include <chrono>
#include <string>

#include "operator/base/result.h"
#include "operator/kube/backoff.h"

namespace penstock::kube {

class WatchMachine {
 public:
  enum class Step : std::uint8_t { kStream, kPage, kWatch };
  struct Plan {
    Step step = Step::kPage;
    std::chrono::milliseconds pause{0};
    std::string resource_version;  // of kWatch
    std::string continue_token;    // of kPage
    int limit = 0;                 // of kPage
  };
  using SteadyTime = std::chrono::steady_clock::time_point;

  WatchMachine(bool streaming, int page_size, Backoff backoff)
      : streaming_(streaming), page_size_(page_size), backoff_(backoff) {}

  [[nodiscard]] Plan Next();

  // kPage gave a page. True when it was the last: the collected list is whole.
  bool OnPage(const std::string& resource_version, const std::string& continue_token);
  void OnPageError(const Error& error, SteadyTime now);

  // An event or a bookmark was seen; not called for the initial events of kStream.
  void OnVersion(const std::string& resource_version);
  // kStream met the bookmark that ends its initial events; what follows is a watch.
  void OnInitialEventsEnd(const std::string& resource_version);

  // The request of kStream or kWatch ended, after `lasted` and `events` events of any kind.
  void OnWatchEnd(const Result<void>& outcome, std::chrono::milliseconds lasted,
                  std::uint64_t events, SteadyTime now);

  // Pages or initial events collected so far are void. True once after each restart of a list.
  [[nodiscard]] bool TakeRestarted();
  [[nodiscard]] bool streaming() const { return streaming_; }

 private:
  void Restart();
  void PauseAfter(const Error& error, SteadyTime now);

  bool streaming_;
  const int page_size_;
  Backoff backoff_;
  bool watching_ = false;
  bool whole_list_ = false;  // paging expired: one list without pages
  bool restarted_ = true;
  std::string version_;
  std::string continue_;
  std::chrono::milliseconds pause_{0};
};

}  // namespace penstock::kube
