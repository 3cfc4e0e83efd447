// Early return on an error Status.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define HENGE_RETURN_IF_ERROR(expr)                                                       \
  do {                                                                                    \
    if (::absl::Status henge_status_ = (expr); !henge_status_.ok()) return henge_status_; \
  } while (false)

#define HENGE_STATUS_CONCAT_(a, b) a##b
#define HENGE_STATUS_CONCAT(a, b) HENGE_STATUS_CONCAT_(a, b)
#define HENGE_ASSIGN_OR_RETURN(lhs, expr) \
  HENGE_ASSIGN_OR_RETURN_IMPL_(HENGE_STATUS_CONCAT(henge_statusor_, __LINE__), lhs, expr)
#define HENGE_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                 \
  if (!tmp.ok()) return std::move(tmp).status();     \
  lhs = *std::move(tmp)
