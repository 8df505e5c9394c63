#include "operator/artifacts/s3/store_settings.h"

#include <optional>
#include <utility>
#include <vector>

#include "operator/artifacts/s3/objects_by_namespace.h"
#include "operator/artifacts/s3/s3_objects.h"
#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/base/volume.h"
#include "operator/net/proxy.h"

namespace penstock::artifacts {
namespace {

// Takes the fields of one store, one by one, and knows which were there.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  Fields& Text(const char* name, std::string& out) {
    names_.emplace_back(name);
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) return *this;
    if (!found->is_string()) return Wrong(name, "a text");
    out = found->get<std::string>();
    return *this;
  }
  Fields& Path(const char* name, std::filesystem::path& out) {
    std::string text;
    Text(name, text);
    out = text;
    return *this;
  }
  Fields& Flag(const char* name, bool& out) {
    names_.emplace_back(name);
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) return *this;
    if (!found->is_boolean()) return Wrong(name, "true or false");
    out = found->get<bool>();
    return *this;
  }
  Result<void> Done() {
    if (failed_) return *failed_;
    for (const auto& [name, value] : object_.items()) {
      bool known = false;
      for (const std::string& one : names_) known = known || one == name;
      if (!known) return Invalid(where_ + "." + name.substr(0, 80) + " is no field of a store");
    }
    return {};
  }

 private:
  Fields& Wrong(const std::string& name, const std::string& what) {
    if (!failed_) failed_ = Invalid(where_ + "." + name + " is not " + what);
    return *this;
  }
  const Json& object_;
  const std::string where_;
  std::vector<std::string> names_;
  std::optional<Error> failed_;
};

Result<StoreSettings> ParseStore(const Json& object, const std::string& where) {
  if (!object.is_object()) return Invalid(where + " is no object");
  StoreSettings out;
  Fields fields(object, where);
  fields.Text("endpoint", out.endpoint)
      .Text("bucket", out.bucket)
      .Text("prefix", out.prefix)
      .Text("region", out.region)
      .Flag("pathStyle", out.path_style)
      .Path("caFile", out.ca_file)
      .Path("credentials", out.credentials)
      .Text("role", out.role)
      .Path("tokenFile", out.token_file)
      .Text("sts", out.sts)
      .Flag("signedUrls", out.signed_urls);
  PENSTOCK_TRY(fields.Done());
  if (out.bucket.empty()) return Invalid(where + ".bucket is missing");
  if (out.region.empty()) out.region = "us-east-1";
  if (out.prefix.starts_with('/') || out.prefix.find("//") != std::string::npos)
    return Invalid(where + ".prefix '" + out.prefix + "' must not begin with '/' nor hold '//'");
  if (!out.prefix.empty() && !out.prefix.ends_with('/')) out.prefix += '/';
  if (out.role.empty() != out.token_file.empty())
    return Invalid(where + ": role and tokenFile stand together or not at all");
  if (!out.role.empty() && !out.credentials.empty())
    return Invalid(where + ": credentials and role are two ways to the same; say one");
  return out;
}

Result<std::shared_ptr<s3::Credentials>> CredentialsOf(
    const StoreSettings& store, const s3::WebIdentity& identity,
    const std::map<std::string, std::string>& environment, const Clock& clock) {
  if (!store.credentials.empty())
    return std::shared_ptr<s3::Credentials>(s3::KeysOfFolder(store.credentials, clock));
  auto made = store.role.empty() ? s3::KeysOfEnvironment(environment, identity, clock)
                                 : s3::KeysOfWebIdentity(identity, clock);
  if (!made) return made.error();
  return std::shared_ptr<s3::Credentials>(*std::move(made));
}

Result<std::shared_ptr<const Objects>> MakeBucket(
    const StoreSettings& store, const std::filesystem::path& scratch,
    const std::map<std::string, std::string>& environment, const Clock& clock) {
  s3::BucketSettings bucket;
  bucket.endpoint = store.endpoint;
  bucket.bucket = store.bucket;
  bucket.region = store.region;
  bucket.path_style = store.path_style;
  if (!store.ca_file.empty()) {
    PENSTOCK_ASSIGN(bucket.ca_pem, ReadFile(store.ca_file, 1 << 20));
  }
  const auto url = net::ParseUrl(s3::EndpointOf(bucket));
  if (!url) return Wrap("endpoint", url.error());
  PENSTOCK_ASSIGN(bucket.proxy, net::ProxyFromEnvironment(*url, environment));
  s3::WebIdentity identity;
  identity.role_arn = store.role;
  identity.token_file = store.token_file;
  identity.endpoint =
      store.sts.empty() ? "https://sts." + store.region + ".amazonaws.com" : store.sts;
  identity.region = store.region;
  identity.ca_pem = store.sts.empty() ? "" : bucket.ca_pem;
  if (const auto sts = net::ParseUrl(identity.endpoint)) {
    PENSTOCK_ASSIGN(identity.proxy, net::ProxyFromEnvironment(*sts, environment));
  }
  PENSTOCK_ASSIGN(auto credentials, CredentialsOf(store, identity, environment, clock));
  S3ObjectsSettings settings;
  settings.prefix = store.prefix;
  settings.scratch = scratch;
  settings.room = Room([scratch] { return SpaceOf(scratch); });
  settings.links = store.signed_urls;
  settings.link_ca_pem = bucket.ca_pem;
  PENSTOCK_ASSIGN(auto client, s3::Client::Make(std::move(bucket), std::move(credentials), clock));
  return std::shared_ptr<const Objects>(
      std::make_shared<S3Objects>(std::move(client), std::move(settings)));
}

}  // namespace

Result<StoresSettings> ParseStores(const std::string& text, const std::string& what) {
  PENSTOCK_ASSIGN(const Json all, ParseJson(text, what));
  if (!all.is_object()) return Invalid(what + " is no object");
  StoresSettings out;
  for (const auto& [name, value] : all.items()) {
    if (name == "default") {
      if (value.is_null()) continue;
      PENSTOCK_ASSIGN(out.shared, ParseStore(value, what + ": default"));
    } else if (name == "namespaces") {
      if (value.is_null()) continue;
      if (!value.is_object()) return Invalid(what + ": namespaces is no object");
      for (const auto& [ns, store] : value.items()) {
        PENSTOCK_ASSIGN(out.namespaces[ns], ParseStore(store, what + ": namespaces." + ns));
      }
    } else {
      return Invalid(what + ": " + name.substr(0, 80) +
                     " is no field; there are default and namespaces");
    }
  }
  return out;
}

Result<std::shared_ptr<const Objects>> MakeObjects(
    const StoresSettings& settings, std::shared_ptr<const Objects> volume,
    const std::filesystem::path& scratch, const std::map<std::string, std::string>& environment,
    const Clock& clock) {
  std::shared_ptr<const Objects> others = std::move(volume);
  if (settings.shared) {
    auto made = MakeBucket(*settings.shared, scratch, environment, clock);
    if (!made) return Wrap("the default store", made.error());
    others = *std::move(made);
  }
  std::map<std::string, std::shared_ptr<const Objects>> own;
  for (const auto& [ns, store] : settings.namespaces) {
    auto made = MakeBucket(store, scratch, environment, clock);
    if (!made) return Wrap("the store of namespace " + ns, made.error());
    own[ns] = *std::move(made);
  }
  if (own.empty()) return others;
  return std::shared_ptr<const Objects>(
      std::make_shared<ObjectsByNamespace>(std::move(others), std::move(own)));
}

}  // namespace penstock::artifacts
