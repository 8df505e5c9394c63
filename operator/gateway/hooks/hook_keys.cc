#include "operator/gateway/hooks/hook_keys.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/gateway/signature.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

constexpr std::chrono::milliseconds kAskPatience{5'000};

using Key = std::optional<std::string>;

const api::WebhookSpec* WebhookOf(const api::Pipeline& pipeline, const std::string& trigger) {
  for (const api::TriggerSpec& t : pipeline.spec.triggers)
    if (t.webhook && t.webhook->name == trigger) return &*t.webhook;
  return nullptr;
}

// "" and the key, or what is wrong with the Secret.
std::string KeyIn(const Json& secret, const std::string& name, std::string& key) {
  const auto data = secret.find("data");
  if (data == secret.end() || !data->is_object()) return "it has no data";
  const auto value = data->find(name);
  if (value == data->end() || !value->is_string()) return "it has no key '" + name + "'";
  const auto bytes = DecodeBase64(value->get_ref<const std::string&>());
  if (!bytes) return "its key '" + name + "' is no base64";
  key = *bytes;
  const std::string trouble = TroubleOfKey(key);
  return trouble.empty() ? "" : "its key '" + name + "' is not taken: " + trouble;
}

}  // namespace

bool HookKeys::MayAsk(Bucket& bucket) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.Steady();
  if (bucket.counted != std::chrono::steady_clock::time_point{})
    bucket.room += std::chrono::duration<double>(now - bucket.counted).count() * kAsksPerSecond;
  bucket.room = std::min(bucket.room, kBurst);
  bucket.counted = now;
  if (bucket.room < 1) return false;
  bucket.room -= 1;
  return true;
}

Result<Key> HookKeys::KeyOf(const HookAddress& address, const std::stop_token& stop) {
  const std::string asked = address.ns + "/" + address.pipeline + "/" + address.trigger;
  if (auto remembered = keys_.Find(asked)) return *remembered;
  if (!MayAsk(known_.Find(asked) ? of_known_ : of_strangers_)) {
    Error e = Transient("too many deliveries of triggers that are not known are coming; try again");
    e.kind = ErrorKind::kOverloaded;
    return e;
  }
  Result<Key> key = Read(address, stop);
  if (!key) return key;
  keys_.Keep(asked, key->has_value(), *key, kLifetime);
  if (*key) known_.Keep(asked, true, true, kKnown);
  return key;
}

Result<Key> HookKeys::Read(const HookAddress& address, const std::stop_token& stop) {
  const kube::Call call{.stop = stop, .timeout = kAskPatience};
  const auto object = client_.Get(kube::kPipelines, address.ns, address.pipeline, call);
  if (!object) {
    const ErrorKind kind = object.error().kind;
    // Forbidden: a namespace that this operator does not look after.
    if (kind == ErrorKind::kNotFound || kind == ErrorKind::kForbidden) return Key();
    return object.error();
  }
  const api::Pipeline pipeline = api::DecodePipeline(*object).value;
  const api::WebhookSpec* webhook = WebhookOf(pipeline, address.trigger);
  if (webhook == nullptr) return Key();
  const auto secret = client_.Get(kube::kSecrets, address.ns, webhook->secret, call);
  std::string key;
  std::string trouble;
  if (secret) {
    trouble = KeyIn(*secret, webhook->key.empty() ? "secret" : webhook->key, key);
  } else if (secret.error().kind == ErrorKind::kNotFound) {
    trouble = "there is none";
  } else if (secret.error().kind == ErrorKind::kForbidden) {
    trouble = "the operator may not get it: a Role must allow it for this name (docs/webhooks.md)";
  } else {
    return secret.error();
  }
  if (trouble.empty()) return Key(std::move(key));
  tell_(*object, "no delivery of the webhook " + webhook->name + " can be verified: the Secret " +
                     webhook->secret + ": " + trouble);
  return Key();
}

}  // namespace penstock::gateway
