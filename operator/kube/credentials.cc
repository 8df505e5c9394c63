#include "operator/kube/credentials.h"

#include "operator/base/file.h"

namespace penstock::kube {
namespace {

constexpr std::chrono::seconds kReadAgain{60};
constexpr std::chrono::seconds kExpiryLeeway{10};
constexpr std::chrono::seconds kPluginTimeout{30};

std::string Trimmed(std::string text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  text.resize(end == std::string::npos ? 0 : end + 1);
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin);
}

}  // namespace

Result<std::string> TokenSource::Token() {
  if (settings_.file.empty() && !settings_.exec) return settings_.token;
  const std::lock_guard lock(mutex_);
  return settings_.exec ? FromPlugin() : FromFile();
}

Result<std::string> TokenSource::FromFile() {
  const auto now = clock_.Steady();
  if (valid_ && now - read_ < kReadAgain) return cached_;
  auto text = ReadFile(settings_.file, 1 << 20);
  std::string token = text ? Trimmed(*text) : "";
  read_ = now;
  if (!token.empty()) {
    cached_ = std::move(token);
    valid_ = true;
  } else if (cached_.empty()) {
    if (!text) return Wrap("token file", text.error());
    return Invalid("token file " + settings_.file + " is empty");
  }
  return cached_;
}

Result<std::string> TokenSource::FromPlugin() {
  if (valid_ && (!credential_.expires || clock_.Now() + kExpiryLeeway < *credential_.expires)) {
    return credential_.token;
  }
  auto answer = RunExecPlugin(*settings_.exec, kPluginTimeout);
  if (!answer) return answer.error();
  credential_ = *std::move(answer);
  valid_ = true;
  return credential_.token;
}

bool TokenSource::Invalidate() {
  const std::lock_guard lock(mutex_);
  valid_ = false;
  return !settings_.file.empty() || settings_.exec.has_value();
}

std::pair<std::string, std::string> TokenSource::ClientCertificate() const {
  const std::lock_guard lock(mutex_);
  return {credential_.certificate_pem, credential_.key_pem};
}

}  // namespace penstock::kube
