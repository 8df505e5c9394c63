// Shows a run while it goes on: on a terminal one line a step, rewritten; else a line a change.
// Used by one thread, but Note() by any.
#pragma once

#include <iosfwd>
#include <map>
#include <mutex>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"

namespace penstock::cli {

class Progress {
 public:
  // `live`: rewrite lines with terminal sequences, at most `width` columns of them.
  Progress(std::ostream& out, bool live, std::size_t width)
      : out_(out), live_(live), width_(width) {}

  // What is shown from here on is another run's, of this name.
  void Begin(const std::string& name);
  // Shows what changed since the last call.
  void Show(const Json& run, TimePoint now);
  // A line for people that stays.
  void Note(const std::string& line);

 private:
  void Erase();
  void Draw(const Json& run, TimePoint now);

  std::ostream& out_;
  const bool live_;
  const std::size_t width_;
  std::mutex mutex_;
  std::size_t drawn_ = 0;                     // lines on the terminal that are ours
  std::string picture_;                       // what stands there
  std::map<std::string, std::string> shown_;  // step -> its last line
};

}  // namespace penstock::cli
