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

// What a step's line says, but for the time that passes: a change of it is worth a line. A step
// that waits for those before it, or for an answer that is on its way, has nothing to tell.
std::string NewsOf(const Json& step, TimePoint now) {
  const std::string phase = step.value("phase", "");
  if (phase == "Waiting" && step.value("message", "").empty()) return "";
  const Json alone = {{"status", {{"steps", Json::array({step})}}}};
  const auto row = StepTable(alone, false, 400, now).rows.at(0);
  std::string line = row[0] + ": " + phase;
  if (step.value("cached", false)) line += " (cached)";
  if (phase == "Succeeded" && row[3] != "-") line += " after " + row[3];
  if (row.back() != "-") line += ": " + row.back();
  return line;
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
    std::string news = NewsOf(step, now);
    std::string& shown = shown_[step.value("name", "")];
    if (news.empty() || shown == news) continue;
    shown = std::move(news);
    out_ << shown << "\n" << std::flush;
  }
}

void Progress::Begin(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  shown_.clear();
  picture_.clear();
  drawn_ = 0;
  out_ << "== " << name << "\n" << std::flush;
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
