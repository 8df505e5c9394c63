#include "components/postgres/keywords.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::postgres {
namespace {

// What libpq has read, which is freed, into `keywords`.
void Take(PQconninfoOption* options, Keywords& keywords) {
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords[option->keyword] = option->val;
  }
  PQconninfoFree(options);
}

// What a connection string says, into `keywords`. `shown`: the text is public, so that what is
// wrong with it may be told with a part of it.
Result<void> AddKeywords(const std::string& text, const std::string& from, bool shown,
                         Keywords& keywords) {
  char* problem = nullptr;
  PQconninfoOption* options = PQconninfoParse(text.c_str(), &problem);
  const std::string why = Said(problem);
  PQfreemem(problem);
  if (options == nullptr) {
    return Invalid(from + (shown ? ": " + why
                                 : " is no connection string: postgresql://user:password@host/"
                                   "database, with what is no letter or digit in the password as "
                                   "% and two hex digits"));
  }
  Take(options, keywords);
  return {};
}

std::string Lookup(const std::map<std::string, std::string>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? "" : found->second;
}

// A certificate or key that stands in a variable, as the file that libpq reads.
Result<void> WritePem(const ConnectionSettings& settings, const char* variable, const char* keyword,
                      Keywords& keywords) {
  const std::string value = Lookup(settings.environment, variable);
  if (value.find("-----BEGIN") == std::string::npos || keywords.contains(keyword)) return {};
  const auto path = settings.scratch / (std::string(keyword) + ".pem");
  PENSTOCK_TRY(WriteFileAtomically(path, value));
  // libpq refuses a key that others may read.
  std::error_code error;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read, error);
  if (error) return FromErrno(path.string(), error.value());
  keywords[keyword] = path.string();
  return {};
}

// How well a password is protected on its way, or -1 for what is no sslmode.
int ProtectionOf(const std::string& sslmode) {
  constexpr std::array kModes{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};
  const auto* const found = std::find(kModes.begin(), kModes.end(), sslmode);
  return found == kModes.end() ? -1 : int(found - kModes.begin());
}

// A file of passwords where libpq looks for one that nobody names.
bool HasPasswordFile() {
  const char* home = std::getenv("HOME");
  std::error_code error;
  return home != nullptr && std::filesystem::exists(std::filesystem::path(home) / ".pgpass", error);
}

// A password of the step's env goes where the env says: the parameter, which may come from whoever
// starts a run, must not send it elsewhere or with less protection. `url`: of DATABASE_URL.
Result<void> CheckAddress(const Keywords& asked, const Keywords& url) {
  // Those that decide neither.
  constexpr std::array<std::string_view, 13> kFree{"application_name",
                                                   "client_encoding",
                                                   "connect_timeout",
                                                   "dbname",
                                                   "fallback_application_name",
                                                   "keepalives",
                                                   "keepalives_count",
                                                   "keepalives_idle",
                                                   "keepalives_interval",
                                                   "options",
                                                   "target_session_attrs",
                                                   "tcp_user_timeout",
                                                   "user"};
  Keywords given;  // by the variables, a service that they name, or libpq itself
  PQconninfoOption* defaults = PQconndefaults();
  if (defaults == nullptr) return Internal("the connection's defaults: out of memory");
  Take(defaults, given);
  const bool secret = !url.empty() || !Lookup(given, "password").empty() ||
                      !Lookup(given, "passfile").empty() || !Lookup(given, "service").empty() ||
                      HasPasswordFile();
  if (!secret) return {};
  for (const auto& [name, value] : url) given[name] = value;
  std::string refused;
  for (const auto& [name, value] : asked) {
    const std::string before = Lookup(given, name);
    if (std::find(kFree.begin(), kFree.end(), name) != kFree.end() || value == before) continue;
    if (name == "sslmode" && ProtectionOf(value) > ProtectionOf(before)) continue;
    refused += (refused.empty() ? "" : ", ") + name;
  }
  if (refused.empty()) return {};
  return Invalid(
      "parameter connection: refused beside a password of the step's env, which it "
      "would send elsewhere or with less protection: " +
      refused + "; give it in the step's env (PGHOST, PGPORT, PGSSLMODE, ..., DATABASE_URL)");
}

}  // namespace

std::string Said(const char* text) {
  std::string out = text == nullptr ? "" : text;
  for (char& c : out) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return plan::Shown(out, 600);
}

Result<Keywords> MakeKeywords(const ConnectionSettings& settings) {
  Keywords keywords;
  if (const auto url = Lookup(settings.environment, "DATABASE_URL"); !url.empty()) {
    PENSTOCK_TRY(AddKeywords(url, "DATABASE_URL", false, keywords));
  }
  Keywords public_ones;
  PENSTOCK_TRY(AddKeywords(settings.text, "parameter connection", true, public_ones));
  for (const char* secret : {"password", "sslpassword"}) {
    if (public_ones.contains(secret)) {
      return Invalid(
          "parameter connection: a password is refused, as parameters are public; give "
          "it as PGPASSWORD in the step's env, with valueFrom.secretKeyRef");
    }
  }
  for (const char* file : {"service", "passfile"}) {
    if (public_ones.contains(file)) {
      return Invalid(std::string("parameter connection: ") + file +
                     " is refused, as it names a file of passwords; give it in the step's env, as "
                     "PGSERVICE or PGPASSFILE");
    }
  }
  PENSTOCK_TRY(CheckAddress(public_ones, keywords));
  for (const auto& [name, value] : public_ones) keywords[name] = value;
  PENSTOCK_TRY(WritePem(settings, "PGSSLROOTCERT", "sslrootcert", keywords));
  PENSTOCK_TRY(WritePem(settings, "PGSSLCERT", "sslcert", keywords));
  PENSTOCK_TRY(WritePem(settings, "PGSSLKEY", "sslkey", keywords));
  keywords["client_encoding"] = "UTF8";
  keywords.emplace("fallback_application_name", "penstock");
  // A server that is gone is noticed within minutes, not within the system's two hours.
  keywords.emplace("keepalives_idle", "30");
  keywords.emplace("keepalives_interval", "10");
  keywords.emplace("keepalives_count", "3");
  keywords.emplace("tcp_user_timeout", "60000");
  if (std::getenv("PGCONNECT_TIMEOUT") == nullptr) keywords.emplace("connect_timeout", "10");
  return keywords;
}

}  // namespace penstock::postgres
