// resolve_labels and cross_entropy against loops over long doubles: labels and probabilities, class weights,
// ignore_index, label smoothing, all reductions; and what becomes of a wrong label.
#include <optional>
#include <string>

#include "../cpp/check.h"
#include "cuda/device.h"
#include "ops/cross_entropy.h"
#include "simt/comparison.h"

namespace {

using fastnn::AxisView, fastnn::CrossEntropyOptions, fastnn::Reduction;
using simt::close, simt::Exact;

constexpr int64_t ignored = -7;

struct Case {
  AxisView view;
  bool soft, weighted, smoothed;
  Reduction reduction;
  int64_t offset = 0;

  int64_t positions() const { return view.outer * view.inner; }
  int64_t elements() const { return positions() * view.axis_size; }
  int64_t element(int64_t p, int64_t c) const {
    return (p / view.inner * view.axis_size + c) * view.inner + p % view.inner;
  }
};

// Every fifth position is ignored.
int64_t label_at(const Case& test, int64_t p) {
  return p % 5 == 3 ? ignored : static_cast<int64_t>(1000 * (simt::noise(p + 50) + 4)) % test.view.axis_size;
}

template <class T>
struct Data {
  explicit Data(const Case& test)
      : logits(test.elements(), simt::noise, test.offset),
        probabilities(
            test.elements(), [](int64_t i) { return (simt::noise(i + 9) + 4) / 8; }, test.offset),
        weight(test.view.axis_size, [](int64_t c) { return c % 4 == 2 ? 0.0 : 0.5 + static_cast<double>(c % 3); }),
        target(test.positions(), [&](int64_t p) { return label_at(test, p); }),
        labels(test.positions()),
        losses(test.positions()),
        grad(test.elements(), test.offset) {}

  simt::Array<T> logits, probabilities, weight;
  simt::Array<int32_t> target;
  simt::Array<int64_t> labels;
  simt::Array<T> losses, grad;
  double reduced = -1;

  CrossEntropyOptions options(const Case& test) const { return {ignored, test.reduction, test.smoothed ? 0.15 : 0.0}; }

  void run(const Case& test, bool with_grad) {
    const int64_t shape[] = {test.positions()};
    if (!test.soft) {
      fastnn::cuda::resolve_labels<int32_t>("cross_entropy", target.data(), shape, test.view.axis_size, ignored,
                                            labels.data());
    }
    fastnn::cuda::cross_entropy<T>({.view = test.view,
                                    .logits = logits.data(),
                                    .labels = test.soft ? nullptr : labels.data(),
                                    .probabilities = test.soft ? probabilities.data() : nullptr,
                                    .weight = test.weighted ? weight.data() : nullptr},
                                   options(test), losses.data(), with_grad ? grad.data() : nullptr,
                                   test.reduction == Reduction::none ? nullptr : &reduced);
  }
};

// The definition, position by position.
template <class T>
struct Exactly {
  const Case& test;
  Data<T>& data;
  Exact divisor = 1, sum = 0, sum_of_sizes = 0;

  Exactly(const Case& t, Data<T>& d) : test(t), data(d) {
    if (test.reduction != Reduction::mean) return;
    divisor = test.soft ? static_cast<Exact>(test.positions()) : 0;
    for (int64_t p = 0; !test.soft && p < test.positions(); ++p) {
      if (data.target[p] != ignored) divisor += weight(data.target[p]);
    }
  }

  Exact weight(int64_t c) const { return test.weighted ? static_cast<Exact>(data.weight[c]) : 1; }
  Exact target(int64_t p, int64_t c) const {
    const Exact smoothing = test.smoothed ? 0.15 : 0.0;
    const Exact q = test.soft ? static_cast<Exact>(data.probabilities[test.element(p, c)]) : data.target[p] == c;
    return weight(c) * ((1 - smoothing) * q + smoothing / static_cast<Exact>(test.view.axis_size));
  }

  void check(int64_t p, bool with_grad) {
    const bool used = test.soft || data.target[p] != ignored;
    Exact top = -1e9, total = 0, mass = 0, loss = 0, size = 0;
    const auto logit = [&](int64_t c) { return static_cast<Exact>(data.logits[test.element(p, c)]); };
    for (int64_t c = 0; c < test.view.axis_size; ++c) top = std::fmax(top, logit(c));
    for (int64_t c = 0; c < test.view.axis_size; ++c) total += std::exp(logit(c) - top);
    for (int64_t c = 0; used && c < test.view.axis_size; ++c) {
      const Exact t = target(p, c), log_p = logit(c) - top - std::log(total);
      mass += t;
      loss -= t * log_p;
      size += t * (std::fabs(logit(c) - top) + std::log(total) + 1);  // log(total) is rounded as total is
    }
    CHECK(close(data.losses[p], loss, 24, size));
    sum += loss;
    sum_of_sizes += size;
    for (int64_t c = 0; with_grad && c < test.view.axis_size; ++c) {
      const Exact power = std::exp(logit(c) - top) / total, t = used ? target(p, c) : 0;
      const T grad = data.grad[test.element(p, c)];
      if (!used) CHECK(grad == 0);
      if (used) CHECK(close(grad, (power * mass - t) / divisor, 32, (power * mass + t) / divisor));
    }
  }
};

template <class T>
void check_case(const Case& test) {
  Data<T> data(test), without_grad(test);
  data.run(test, true);
  without_grad.run(test, false);
  CHECK(same_bits(data.losses, without_grad.losses));
  CHECK(simt::same_bits(data.reduced, without_grad.reduced));
  Exactly<T> exact(test, data);
  for (int64_t p = 0; p < test.positions(); ++p) exact.check(p, true);
  if (test.reduction == Reduction::none) return;
  CHECK(close(static_cast<T>(data.reduced), exact.sum / exact.divisor, 24, exact.sum_of_sizes / exact.divisor));

  Case shifted = test;
  shifted.offset = 1;
  Data<T> odd(shifted);
  odd.run(shifted, true);
  CHECK(same_bits(data.grad, odd.grad));
  CHECK(simt::same_bits(data.reduced, odd.reduced));
}

// Labels without a position to be used: NaN and 0, whatever the logits are.
template <class T>
void check_all_ignored(const AxisView& view) {
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    for (const bool smoothed : {false, true}) {
      const Case test{view, false, false, smoothed, reduction};
      Data<T> data(test);
      for (int64_t p = 0; p < test.positions(); ++p) data.target[p] = ignored;
      for (int64_t i = 0; i < test.elements(); i += 3) data.logits[i] = simt::nan<T>;
      data.run(test, true);
      for (int64_t p = 0; p < test.positions(); ++p) CHECK(data.losses[p] == 0);
      for (int64_t i = 0; i < test.elements(); ++i) CHECK(data.grad[i] == 0);
      if (reduction == Reduction::mean) CHECK(std::isnan(data.reduced));
      if (reduction == Reduction::sum) CHECK(data.reduced == 0);
    }
  }
}

std::string message_of_synchronize() {
  try {
    fastnn::cuda::synchronize();
  } catch (const std::out_of_range& error) {
    return error.what();
  }
  return "";
}

// Its position alone is NaN, and the first wrong one is reported.
template <class T>
void check_wrong_label(const AxisView& view, Reduction reduction) {
  const Case test{view, false, true, false, reduction};
  Data<T> data(test), right(test);
  const int64_t at = test.positions() / 2;
  data.target[at] = static_cast<int32_t>(view.axis_size);
  data.target[at + 1] = -1;
  right.target[at] = right.target[at + 1] = ignored;
  data.run(test, true);
  right.run(test, true);
  for (int64_t p = 0; p < test.positions(); ++p) {
    const bool wrong = p == at || p == at + 1;
    CHECK(wrong ? std::isnan(data.losses[p]) : simt::same_bits(data.losses[p], right.losses[p]));
    for (int64_t c = 0; c < view.axis_size; ++c) {
      const int64_t i = test.element(p, c);
      CHECK(wrong ? std::isnan(data.grad[i]) : simt::same_bits(data.grad[i], right.grad[i]));
    }
  }
  if (reduction != Reduction::none) CHECK(std::isnan(data.reduced));
  CHECK(message_of_synchronize() == fastnn::concat("[cross_entropy] expected target in [0, ", view.axis_size,
                                                   ") or ignore_index=-7, got ", view.axis_size, " at position (", at,
                                                   ",)"));
  CHECK(message_of_synchronize().empty());
}

// Without ignore_index, of a shape, from int64.
void check_labels() {
  const int64_t shape[] = {2, 3};
  simt::Array<int64_t> target(6, [](int64_t i) { return i; }), labels(6);
  fastnn::cuda::resolve_labels<int64_t>("nll_loss", target.data(), shape, 6, std::nullopt, labels.data());
  for (int64_t i = 0; i < 6; ++i) CHECK(labels[i] == i);
  CHECK(message_of_synchronize().empty());
  target[4] = -1;
  fastnn::cuda::resolve_labels<int64_t>("nll_loss", target.data(), shape, 6, std::nullopt, labels.data());
  CHECK(message_of_synchronize() == "[nll_loss] expected target in [0, 6), got -1 at position (1, 1)");
}

template <class T>
void check_all() {
  const AxisView views[] = {{7, 3, 1},   {5, 10, 1},   {9, 12, 1}, {6, 1, 1},  {3, 100, 1},
                            {2, 261, 1}, {2, 1028, 1}, {2, 3, 5},  {1, 20, 40}};
  for (const AxisView& view : views) {
    for (int options = 0; options < 8; ++options) {
      for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
        check_case<T>({view, (options & 1) != 0, (options & 2) != 0, (options & 4) != 0, reduction});
      }
    }
    check_all_ignored<T>(view);
  }
  check_case<T>({{5000, 2, 1}, false, true, false, Reduction::mean});  // reduced by several blocks
  check_case<T>({{0, 3, 1}, false, true, false, Reduction::mean});
  check_case<T>({{0, 3, 1}, true, true, false, Reduction::sum});
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    for (const AxisView& view : {AxisView{9, 3, 1}, AxisView{9, 40, 1}, AxisView{4, 1030, 1}, AxisView{2, 3, 20}}) {
      check_wrong_label<T>(view, reduction);
    }
  }
}

}  // namespace

int main() {
  const simt::Call call;
  check_labels();
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_cross_entropy");
}
