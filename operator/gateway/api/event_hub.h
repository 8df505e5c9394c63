// Changes of runs, handed to many streams from one look at the database.
//
//   database --once a second, while somebody listens--> ring of changes --> each stream at its pace
//
// A stream that is slower than the ring is told that it has missed something, and looks anew.
// Owns a thread. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "operator/base/time.h"
#include "operator/metadata/query.h"

namespace penstock::gateway {

class EventHub {
 public:
  struct Options {
    std::size_t streams = 200;  // at a time
    std::size_t ring = 2'000;   // changes that are kept
    Milliseconds look{1'000};   // between two looks
  };
  // `history` must outlive it.
  explicit EventHub(const metadata::Query& history) : EventHub(history, Options{}) {}
  EventHub(const metadata::Query& history, Options options);
  ~EventHub();

  // A place among the streams, given back when it goes. Nothing: there are as many as may be.
  class Seat {
   public:
    explicit Seat(EventHub& hub) : hub_(&hub) {}
    ~Seat();
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

   private:
    EventHub* hub_;
  };
  [[nodiscard]] std::unique_ptr<Seat> Sit();

  struct Batch {
    std::vector<metadata::RunChange> changes;  // oldest first
    std::optional<long long> at;               // what comes after it is newer; nothing: not known
    bool missed = false;                       // there was more than the ring keeps
  };
  // Waits until there is something behind `since`, at most so long: then the batch is empty. A
  // `since` that is not reached yet is another database's: it has missed something.
  // No `since`: until it is known where now is (0 of a database without runs), and no longer.
  [[nodiscard]] Batch Wait(std::optional<long long> since, Milliseconds most,
                           const std::stop_token& stop);

 private:
  void Look(const std::stop_token& stop);

  const metadata::Query& history_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t seats_ = 0;
  std::optional<long long> newest_;  // nothing: nobody listened, and it is not known
  long long forgotten_ = 0;          // changes up to this one are not in the ring
  std::deque<metadata::RunChange> ring_;
  std::jthread looker_;
};

}  // namespace penstock::gateway
