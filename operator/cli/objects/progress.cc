#include "operator/cli/objects/progress.h"

#include <ostream>

#include "operator/base/json.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/table.h"

namespace penstock::cli {
namespace {

// The table's line of each step, without the header.
std::vector<std::pair<std::string, std::string>> StepLines(const Json& run, std::size_t width,
                                                           TimePoint now) {
  const Table table = StepTable(run, false, width, now);
  std::vector<std::pair<std::string, std::string>> lines;
  std::string text = Format(table, width, false);
  for (const auto& row : table.rows) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(row[0], text.substr(0, end));
    text.erase(0, end + 1);
  }
  return lines;
}

// What makes a change worth a line: the phase, and why it waits; not the time that passes.
std::string NewsOf(const Json& step) {
  return step.value("phase", "") + "|" + step.value("reason", "") + "|" +
         std::to_string(step.value("attempts", 0));
}

}  // namespace

void Progress::Erase() {
  for (; drawn_ > 0; --drawn_) out_ << "\x1b[1A\x1b[2K";
}

void Progress::Draw(const Json& run, TimePoint now) {
  std::string picture;
  std::size_t count = 0;
  for (const auto& [step, line] : StepLines(run, width_, now)) {
    picture += line + "\n";
    ++count;
  }
  if (picture == picture_ && drawn_ == count) return;
  Erase();
  out_ << picture << std::flush;
  drawn_ = count;
  picture_ = picture;
}

void Progress::Show(const Json& run, TimePoint now) {
  const std::scoped_lock lock(mutex_);
  if (live_) return Draw(run, now);
  const Json steps = run.value("status", Json::object()).value("steps", Json::array());
  for (const Json& step : steps) {
    const std::string phase = step.value("phase", "");
    const std::string news = NewsOf(step);
    std::string& shown = shown_[step.value("name", "")];
    if (shown == news) continue;
    shown = news;
    if (phase == "Waiting") continue;  // for steps before it: nothing to tell
    const Json alone = {{"status", {{"steps", Json::array({step})}}}};
    const Table table = StepTable(alone, false, 400, now);
    const auto& row = table.rows.at(0);
    out_ << row[0] << ": " << phase;
    if (step.value("cached", false)) out_ << " (cached)";
    if (phase == "Succeeded" && row[3] != "-") out_ << " after " << row[3];
    if (row.back() != "-") out_ << ": " << row.back();
    out_ << "\n" << std::flush;
  }
}

void Progress::Note(const std::string& line) {
  const std::scoped_lock lock(mutex_);
  Erase();
  out_ << OneLine(line) << "\n";
  if (live_) {
    out_ << picture_;
    for (const char c : picture_) drawn_ += c == '\n' ? 1 : 0;
  }
  out_ << std::flush;
}

}  // namespace penstock::cli
