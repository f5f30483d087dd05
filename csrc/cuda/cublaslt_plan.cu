#include "cuda/cublaslt_plan.h"

#include <map>

#include "cuda/cublaslt_library.h"

namespace fastnn::cuda::lt {
namespace {

constexpr size_t most_plans = 4096;                      // then all are made anew
constexpr uint64_t most_workspace = uint64_t{32} << 20;  // what cuBLAS' own documentation advises for Hopper
constexpr int choices = 8;

Handle handle_of(const Functions& lt, int device) {
  static std::map<int, Handle> handles;
  Handle& handle = handles[device];
  if (!handle) check(lt, "cublasLtCreate", lt.create(&handle));
  return handle;
}

template <class Value>
void set(const Functions& lt, Desc desc, int attribute, Value value) {
  check(lt, "cublasLtMatmulDescSetAttribute", lt.desc_set(desc, attribute, &value, sizeof(value)));
}
template <class Value>
void set(const Functions& lt, Layout layout, int attribute, Value value) {
  check(lt, "cublasLtMatrixLayoutSetAttribute", lt.layout_set(layout, attribute, &value, sizeof(value)));
}
template <class Value>
void set(const Functions& lt, Preference preference, int attribute, Value value) {
  check(lt, "cublasLtMatmulPreferenceSetAttribute", lt.preference_set(preference, attribute, &value, sizeof(value)));
}

Owned<Desc> make_desc(const Functions& lt, const Shape& s) {
  Desc desc = nullptr;
  check(lt, "cublasLtMatmulDescCreate", lt.desc_create(&desc, s.compute, s.type));
  Owned<Desc> owned(desc, lt.desc_destroy);
  set(lt, desc, desc_transpose_a, s.first.transposed ? transpose : keep);
  set(lt, desc, desc_transpose_b, s.second.transposed ? transpose : keep);
  set(lt, desc, desc_epilogue, static_cast<int32_t>(s.epilogue));
  return owned;
}

Owned<Layout> make_layout(const Functions& lt, const Shape& s, const Matrix& m) {
  Layout layout = nullptr;
  check(lt, "cublasLtMatrixLayoutCreate",
        lt.layout_create(&layout, s.type, static_cast<uint64_t>(m.rows), static_cast<uint64_t>(m.columns), m.line));
  Owned<Layout> owned(layout, lt.layout_destroy);
  if (s.batch > 1) {
    set(lt, layout, layout_batch_count, static_cast<int32_t>(s.batch));
    set(lt, layout, layout_batch_step, m.step);
  }
  return owned;
}

Owned<Preference> make_preference(const Functions& lt, const Shape& s) {
  Preference preference = nullptr;
  check(lt, "cublasLtMatmulPreferenceCreate", lt.preference_create(&preference));
  Owned<Preference> owned(preference, lt.preference_destroy);
  set(lt, preference, preference_workspace, most_workspace);
  set(lt, preference, preference_alignment_a, static_cast<uint32_t>(s.first.alignment));
  set(lt, preference, preference_alignment_b, static_cast<uint32_t>(s.second.alignment));
  set(lt, preference, preference_alignment_c, static_cast<uint32_t>(s.result.alignment));
  set(lt, preference, preference_alignment_d, static_cast<uint32_t>(s.result.alignment));
  return owned;
}

// The first that can be used: they come in the order of their estimated times, which is the same in every process,
// where times measured here would make the bits depend on the moment.
void choose(const Functions& lt, const Shape& s, Plan& p) {
  const Owned<Preference> preference = make_preference(lt, s);
  Heuristic found[choices]{};
  int count = 0;
  const Status status = lt.heuristics(p.handle, p.desc.get(), p.first.get(), p.second.get(), p.result.get(),
                                      p.result.get(), preference.get(), choices, found, &count);
  if (status != not_supported) check(lt, "cublasLtMatmulAlgoGetHeuristic", status);
  for (int i = 0; i < count && status == success && !p.supported; ++i) {
    p.supported = found[i].state == success;
    if (p.supported) p.choice = found[i];
  }
}

}  // namespace

std::mutex& plan_lock() {
  static std::mutex lock;
  return lock;
}

Plan& plan(const Functions& lt, const Shape& s) {
  static std::map<Shape, Plan> plans;
  if (const auto known = plans.find(s); known != plans.end()) return known->second;
  Plan made{handle_of(lt, s.device),
            make_desc(lt, s),
            make_layout(lt, s, s.first),
            make_layout(lt, s, s.second),
            make_layout(lt, s, s.result),
            {},
            false};
  choose(lt, s, made);
  if (plans.size() >= most_plans) plans.clear();
  return plans.emplace(s, std::move(made)).first->second;
}

}  // namespace fastnn::cuda::lt
