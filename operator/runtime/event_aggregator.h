// Which events are worth a request: repeats become a count, and a talkative object is held back.
// Pure but for its memory; used by one thread.
#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace penstock::runtime {

// What an event says about whom; equal ones are one event with a count.
struct EventKey {
  std::string object_uid;
  std::string type;
  std::string reason;
  std::string action;
  std::string note;
  [[nodiscard]] std::string Text() const;
};

class EventAggregator {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Decision {
    enum class Kind : std::uint8_t {
      kCreate,  // a new event
      kCount,   // a repeat: write `count` into the event named `name`
      kHold,    // a repeat whose count need not be written yet
      kDrop,    // the object has said too much
    };
    Kind kind = Kind::kDrop;
    std::string name;
    int count = 1;
  };

  // `name` is used when the event is new. A repeat within 10 minutes is counted, and the count
  // written for the second one and then once a minute. Others spend a token of their object: 25,
  // refilled at one per 300 s. At most 4096 events and as many objects are remembered.
  [[nodiscard]] Decision See(const EventKey& key, const std::string& name, SteadyTime now);

  // The event could not be written or is gone: its next occurrence is a new one.
  void Forget(const EventKey& key);

 private:
  struct Known {
    std::string key;
    std::string name;
    int count = 1;
    SteadyTime last_seen;
    SteadyTime last_written;
  };
  struct Bucket {
    std::string uid;
    double tokens;
    SteadyTime filled;
  };
  [[nodiscard]] bool Spend(const std::string& uid, SteadyTime now);

  std::list<Known> known_;  // the most recently seen first
  std::unordered_map<std::string, std::list<Known>::iterator> by_key_;
  std::list<Bucket> buckets_;
  std::unordered_map<std::string, std::list<Bucket>::iterator> by_uid_;
};

}  // namespace penstock::runtime
