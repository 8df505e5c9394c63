#include "operator/oci/logins.h"

#include <system_error>

#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/oci/image_name.h"

namespace penstock::oci {
namespace {

std::string LoginText(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

// "https://index.docker.io/v1/" and the like, as a registry is called everywhere else here.
std::string PlaceOf(std::string key) {
  for (const char* scheme : {"https://", "http://"})
    if (key.starts_with(scheme)) key.erase(0, std::string(scheme).size());
  for (const char* end : {"/v1/", "/v2/", "/v1", "/v2", "/"})
    if (key.ends_with(end)) key.resize(key.size() - std::string(end).size());
  const auto slash = key.find('/');
  const std::string host = key.substr(0, slash);
  if (host == "docker.io" || host == "index.docker.io")
    key = kDockerHub + (slash == std::string::npos ? "" : key.substr(slash));
  return key;
}

Result<Login> LoginOf(const Json& entry, const std::string& place) {
  const std::string what = "the login of the registry " + plan::Shown(place, 200);
  Login login{LoginText(entry, "username"), LoginText(entry, "password")};
  if (const std::string both = LoginText(entry, "auth"); !both.empty()) {
    const auto text = DecodeBase64(both);
    const auto colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos) return Invalid(what + " has an auth that is no user:password");
    login = {text->substr(0, colon), text->substr(colon + 1)};
  }
  if (!LoginText(entry, "identitytoken").empty())
    return Invalid(what + " is an identity token, which is not spoken: log in with a user and an " +
                   "access token as the password");
  if (login.user.empty()) return Invalid(what + " names no user");
  return login;
}

}  // namespace

Result<void> Logins::Add(const std::string& docker_config) {
  const auto json = ParseJson(docker_config, "the Secret's .dockerconfigjson");
  if (!json) return json.error();
  const auto auths = json->is_object() ? json->find("auths") : json->end();
  if (!json->is_object() || auths == json->end() || !auths->is_object())
    return Invalid("the Secret's .dockerconfigjson has no \"auths\"");
  for (const auto& [key, entry] : auths->items()) {
    if (!entry.is_object() || entry.empty()) continue;
    const std::string place = PlaceOf(key);
    auto login = LoginOf(entry, place);
    if (!login) return login.error();
    by_place_.insert_or_assign(place, *std::move(login));
  }
  return {};
}

Result<Logins> Logins::Read(const std::filesystem::path& folder) {
  Logins logins;
  std::error_code ec;
  std::filesystem::directory_iterator it(folder, ec);
  if (ec.value() == ENOENT) return logins;
  if (ec) return FromErrno(folder.string(), ec.value());
  for (const std::filesystem::directory_iterator end; !ec && it != end; it.increment(ec)) {
    if (it->path().extension() != ".json") continue;  // the kubelet's own, "..data"
    const auto text = ReadFile(it->path(), 1 << 20);
    if (!text) return text.error();
    if (auto added = logins.Add(*text); !added)
      return Wrap("imagePullSecret " + it->path().stem().string(), added.error());
  }
  return logins;
}

std::optional<Login> Logins::For(const std::string& registry, const std::string& repository) const {
  for (std::string place = registry + "/" + repository;;) {
    if (const auto it = by_place_.find(place); it != by_place_.end()) return it->second;
    const auto slash = place.rfind('/');
    if (slash == std::string::npos) return std::nullopt;
    place.resize(slash);
  }
}

}  // namespace penstock::oci
