#include "operator/runtime/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "operator/base/json.h"
#include "operator/base/time.h"

namespace penstock::runtime {
namespace {

spdlog::level::level_enum LevelOf(std::string_view level) {
  if (level == "debug") return spdlog::level::debug;
  if (level == "warn") return spdlog::level::warn;
  if (level == "error") return spdlog::level::err;
  return spdlog::level::info;
}

}  // namespace

struct Log::Impl {
  LogFormat format;
  spdlog::logger logger{"penstock", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()};
};

Log::Log(LogFormat format, const std::string& level) : impl_(std::make_unique<Impl>()) {
  impl_->format = format;
  impl_->logger.set_pattern(format == LogFormat::kJson ? "%v" : "%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  impl_->logger.set_level(LevelOf(level));
  impl_->logger.flush_on(spdlog::level::info);
}

Log::~Log() = default;

void Log::Write(std::string_view level, std::string_view message) const {
  Write(level, message, Json::object());
}

void Log::Write(std::string_view level, std::string_view message, const Json& fields) const {
  const auto spd_level = LevelOf(level);
  if (!impl_->logger.should_log(spd_level)) return;
  if (impl_->format == LogFormat::kJson) {
    const std::string now = FormatMicroTime(std::chrono::system_clock::now());
    impl_->logger.log(spd_level, "{}", JsonLogLine(now, level, message, fields));
    return;
  }
  std::string line(message);
  for (const auto& [key, value] : fields.items()) {
    line += " " + key + "=" + value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  impl_->logger.log(spd_level, "{}", line);
}

std::string JsonLogLine(const std::string& time, std::string_view level, std::string_view message,
                        const Json& fields) {
  Json line = fields.is_object() ? fields : Json::object();
  line["ts"] = time;
  line["level"] = level;
  line["msg"] = message;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock::runtime
