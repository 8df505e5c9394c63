// Names, labels and annotations on the pods of a run.
#pragma once

namespace penstock::plan {

inline constexpr const char* kLabelManaged = "penstock.dev/managed";  // "true" on every pod of ours
inline constexpr const char* kLabelRunUid = "penstock.dev/run-uid";
inline constexpr const char* kLabelStep = "penstock.dev/step";
inline constexpr const char* kLabelAttempt = "penstock.dev/attempt";
inline constexpr const char* kAnnotationTask = "penstock.dev/task";  // the task document
inline constexpr const char* kAnnotationSpent =
    "penstock.dev/spent";  // budgets already spent, JSON
inline constexpr const char* kAnnotationCacheKey = "penstock.dev/cache-key";
// See CacheKeyInputs in cache_key.h.
inline constexpr const char* kAnnotationSettledKey = "penstock.dev/settled-key";
// Where the step has URI inputs and may be cached, JSON: {"base": CacheKey::base, "uris": {input:
// SourceName()}}.
inline constexpr const char* kAnnotationCacheSources = "penstock.dev/cache-sources";
// Only of a pod that makes anew what was damaged in the store: kDamaged.
inline constexpr const char* kAnnotationCacheMiss = "penstock.dev/cache-miss";
inline constexpr const char* kDamaged = "Damaged";
// The step's name where it is no label value, and the run's.
inline constexpr const char* kAnnotationRun = "penstock.dev/run";
inline constexpr const char* kStepContainer = "step";
inline constexpr const char* kInstallContainer = "install";  // the init container

}  // namespace penstock::plan
