#include "operator/metadata/postgres/address.h"

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <system_error>

#include "operator/base/shown_text.h"
#include "operator/net/url.h"

namespace penstock::metadata {
namespace {

using Words = std::map<std::string, std::string>;

constexpr std::size_t kLongestAddress = 8'192;
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Result<Words> ParseWords(const std::string& text) {
  const Error wrong = Invalid(
      "no connection string: postgresql://user:password@host:5432/database?sslmode=verify-full, "
      "with what is no letter or digit in the password as % and two hex digits");
  if (text.empty() || text.size() > kLongestAddress || text.find('\0') != std::string::npos)
    return wrong;
  char* problem = nullptr;  // may hold the text, so that nobody is shown it
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(text.c_str(), &problem));
  PQfreemem(problem);
  if (options == nullptr) return wrong;
  Words words;
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val != nullptr && o->val[0] != '\0') words[o->keyword] = o->val;
  }
  return words;
}

std::string Lookup(const Words& words, const std::string& name) {
  const auto found = words.find(name);
  return found == words.end() ? "" : found->second;
}

std::string ShownOf(const Words& words) {
  std::string host = Lookup(words, "host");
  if (host.empty()) host = Lookup(words, "hostaddr");
  std::string database = Lookup(words, "dbname");
  if (database.empty()) database = Lookup(words, "user");
  const std::string port = Lookup(words, "port");
  return plan::Shown(database + " at " + host + (port.empty() ? "" : ":" + port), 300);
}

// SOCI splits what it is given at spaces: a URI has none.
std::string UriOf(const Words& words) {
  std::string uri = "postgresql://";
  char before = '?';
  for (const auto& [name, value] : words) {
    uri += before + name + "=" + net::UrlEncode(value);
    before = '&';
  }
  return uri;
}

}  // namespace

Result<PostgresAddress> ReadPostgresAddress(const std::string& text,
                                            const std::filesystem::path& ca) {
  auto words = ParseWords(Trimmed(text));
  if (!words) return words.error();
  if (Lookup(*words, "host").empty() && Lookup(*words, "hostaddr").empty())
    return Invalid("the connection string names no host");
  std::error_code ignored;
  const bool own = !ca.empty() && std::filesystem::exists(ca, ignored);
  words->emplace("sslmode", "verify-full");
  words->emplace("sslrootcert", own ? ca.string() : kSystemAuthorities);
  words->emplace("gssencmode", "disable");
  words->emplace("target_session_attrs", "read-write");
  words->emplace("connect_timeout", "5");
  words->emplace("tcp_user_timeout", "15000");
  words->emplace("keepalives_idle", "30");
  words->emplace("application_name", "penstock");
  (*words)["client_encoding"] = "UTF8";
  PostgresAddress address;
  address.uri = UriOf(*words);
  address.shown = ShownOf(*words);
  if (const std::string mode = Lookup(*words, "sslmode"); mode != "verify-full") {
    address.warning = "the connection string of " + address.shown + " says sslmode=" + mode +
                      ": whoever stands between reads history and its password; leave it out, or "
                      "say verify-full";
  }
  return address;
}

}  // namespace penstock::metadata
