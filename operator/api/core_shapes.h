// The core/v1 types that Penstock's kinds hand on to pods, as far as they are checked here.
// Affinity and volumes are checked by the API server when the pod is made.
#pragma once

#include "operator/api/limits.h"

namespace penstock::api::core {

inline constexpr Shape kBool{Shape::kBoolean};
inline constexpr Shape kName{Shape::kString, 253};
inline constexpr Shape kShort{Shape::kString, 317};
inline constexpr Shape kPath{Shape::kString, 1024};
inline constexpr Shape kLong{Shape::kString, 65536};
inline constexpr Shape kSeconds{Shape::kInteger};
inline constexpr Shape kOneQuantity{Shape::kQuantityValue, 64};

inline constexpr Shape kQuantities{Shape::kMap, 50, {}, &kOneQuantity};
inline constexpr ShapeField kResourceFields[] = {{"limits", &kQuantities},
                                                 {"requests", &kQuantities}};
inline constexpr Shape kResources{Shape::kObject, 0, kResourceFields};

inline constexpr ShapeField kKeyRefFields[] = {
    {"key", &kName, true}, {"name", &kName, true}, {"optional", &kBool}};
inline constexpr Shape kKeyRef{Shape::kObject, 0, kKeyRefFields};
inline constexpr ShapeField kFieldRefFields[] = {{"apiVersion", &kName},
                                                 {"fieldPath", &kPath, true}};
inline constexpr Shape kFieldRef{Shape::kObject, 0, kFieldRefFields};
inline constexpr ShapeField kResourceFieldRefFields[] = {
    {"containerName", &kName}, {"divisor", &kOneQuantity}, {"resource", &kName, true}};
inline constexpr Shape kResourceFieldRef{Shape::kObject, 0, kResourceFieldRefFields};
inline constexpr ShapeField kValueFromFields[] = {{"configMapKeyRef", &kKeyRef},
                                                  {"fieldRef", &kFieldRef},
                                                  {"resourceFieldRef", &kResourceFieldRef},
                                                  {"secretKeyRef", &kKeyRef}};
inline constexpr Shape kValueFrom{Shape::kObject, 0, kValueFromFields};
inline constexpr ShapeField kEnvVarFields[] = {
    {"name", &kShort, true}, {"value", &kLong}, {"valueFrom", &kValueFrom}};
inline constexpr Shape kEnvVar{Shape::kObject, 0, kEnvVarFields};
inline constexpr ShapeField kPlainEnvVarFields[] = {{"name", &kShort, true}, {"value", &kLong}};
inline constexpr Shape kPlainEnvVar{Shape::kObject, 0, kPlainEnvVarFields};

inline constexpr ShapeField kSourceRefFields[] = {{"name", &kName, true}, {"optional", &kBool}};
inline constexpr Shape kSourceRef{Shape::kObject, 0, kSourceRefFields};
inline constexpr ShapeField kEnvFromFields[] = {
    {"configMapRef", &kSourceRef}, {"prefix", &kShort}, {"secretRef", &kSourceRef}};
inline constexpr Shape kEnvFrom{Shape::kObject, 0, kEnvFromFields};

inline constexpr ShapeField kVolumeMountFields[] = {
    {"mountPath", &kPath, true}, {"mountPropagation", &kName},  {"name", &kName, true},
    {"readOnly", &kBool},        {"recursiveReadOnly", &kName}, {"subPath", &kPath},
    {"subPathExpr", &kPath}};
inline constexpr Shape kVolumeMount{Shape::kObject, 0, kVolumeMountFields};

inline constexpr ShapeField kVolumeFields[] = {{"name", &kName, true}};
inline constexpr Shape kVolume{Shape::kOpenObject, 0, kVolumeFields};
inline constexpr Shape kAffinity{Shape::kOpenObject};

inline constexpr ShapeField kLocalRefFields[] = {{"name", &kName, true}};
inline constexpr Shape kLocalRef{Shape::kObject, 0, kLocalRefFields};

inline constexpr ShapeField kTolerationFields[] = {{"effect", &kName},
                                                   {"key", &kShort},
                                                   {"operator", &kName},
                                                   {"tolerationSeconds", &kSeconds},
                                                   {"value", &kName}};
inline constexpr Shape kToleration{Shape::kObject, 0, kTolerationFields};

inline constexpr Shape kAnyValue{Shape::kAny};

}  // namespace penstock::api::core
