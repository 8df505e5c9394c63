// Events about objects (events.k8s.io/v1), sent by a thread of its own so that nobody waits for
// them.
//
// A repeat of the same reason and message about the same object within ten minutes raises the
// series count of the first instead of making another; the count is written for the second one and
// then at most once a minute. Per object at most 20 events at once and then one each 300 s: fewer
// than 25 in ten minutes, whatever it says. What is over goes into a counter. Remembers at most
// 4096 events.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "operator/base/time.h"
#include "operator/kube/client.h"

namespace penstock::runtime {

struct Note {
  std::string api_version, kind, namespace_, name, uid, resource_version;  // of the object
  std::string type;                                                        // Normal or Warning
  std::string reason;
  std::string message;  // cut at 1 KiB, the API server's limit
};

// The pure part: what becomes of a note.
class EventAggregator {
 public:
  enum class Verdict : std::uint8_t {
    kCreate,
    kRaise,  // write the count into the event that stands
    kHold,   // counted; the count was written less than a minute ago
    kDrop,   // the object has said too much
  };
  struct Decision {
    Verdict verdict = Verdict::kDrop;
    std::string event;  // the name of the Event to create or to raise
    int count = 1;
  };
  [[nodiscard]] Decision Decide(const Note& note, std::chrono::steady_clock::time_point now);
  // The event could not be written, or is gone: its next occurrence makes a new one.
  void Forget(const Note& note);

 private:
  struct Series {
    std::string event;
    int count = 1;
    std::chrono::steady_clock::time_point last;     // seen
    std::chrono::steady_clock::time_point written;  // to the API server
  };
  struct Bucket {
    double tokens = 0;
    std::chrono::steady_clock::time_point at;
  };
  std::map<std::string, Series> series_;   // by object, reason and message
  std::map<std::string, Bucket> buckets_;  // by object UID
};

class EventRecorder {
 public:
  EventRecorder(kube::Client& client, const Clock& clock, std::string instance,
                std::function<void()> dropped);
  ~EventRecorder();  // sends nothing more
  void Record(Note note);

 private:
  void Work(const std::stop_token& stop);
  void Send(const Note& note, const std::stop_token& stop);
  [[nodiscard]] Result<void> Write(const Note& note, const EventAggregator::Decision& decision,
                                   const std::stop_token& stop);

  kube::Client& client_;
  const Clock& clock_;
  const std::string instance_;
  const std::function<void()> dropped_;
  EventAggregator aggregator_;  // of the sending thread
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Note> waiting_;
  std::jthread thread_;
};

}  // namespace penstock::runtime
