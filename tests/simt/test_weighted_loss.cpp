// Losses weighed by their samples against loops over long doubles, by one block and by several, and factors along an
// axis.
#include <vector>

#include "../cpp/check.h"
#include "ops/loss.h"
#include "simt/comparison.h"

namespace {

using fastnn::AxisView, fastnn::Reduction;
using simt::close, simt::Exact;

template <class T>
void check_weighted(int64_t samples, int64_t each, bool with_shares, bool zeros, Reduction reduction) {
  const int64_t n = samples * each;
  simt::Array<T> losses(n, simt::noise), weighted(n), factor(samples);
  simt::Array<T> weight(samples, [=](int64_t i) { return zeros ? 0.0 : static_cast<double>(i % 4); });
  simt::Array<T> shares(n, [](int64_t i) { return 0.5 + static_cast<double>(i % 3); });
  double reduced = -1;
  fastnn::cuda::weighted_loss<T>({samples, each, losses.data(), weight.data(), with_shares ? shares.data() : nullptr},
                                 reduction, reduction == Reduction::none ? weighted.data() : nullptr, factor.data(),
                                 &reduced);
  Exact sum = 0, size = 0, weights = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Exact w = weight[i / each], term = w * losses[i];
    sum += term;
    size += std::fabs(term);
    weights += w * (with_shares ? Exact{shares[i]} : Exact{1});
    if (reduction == Reduction::none) CHECK(close(weighted[i], term, 1));
  }
  const bool mean = reduction == Reduction::mean;
  const Exact divisor = !mean ? 1 : weights;
  const auto over = [=](Exact value) { return divisor == 0 ? Exact{0} : value / divisor; };
  for (int64_t i = 0; i < samples; ++i) CHECK(close(factor[i], over(weight[i]), 20));
  if (reduction != Reduction::none) CHECK(close(static_cast<T>(reduced), over(sum), 20, over(size)));
}

template <class T>
void check_scale(const AxisView& view) {
  const int64_t image = view.axis_size * view.inner, n = view.outer * image;
  simt::Array<T> x(n, simt::noise), y(n), factor(view.outer * view.inner, [](int64_t i) { return simt::noise(i + 9); });
  fastnn::cuda::scale<T>(view, factor.data(), x.data(), y.data());
  for (int64_t i = 0; i < n; ++i) CHECK(y[i] == x[i] * factor[i / image * view.inner + i % view.inner]);
  fastnn::cuda::scale<T>(view, factor.data(), x.data(), x.data());
  CHECK(same_bits(x, y));
}

template <class T>
void check_all() {
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    for (const bool with_shares : {false, true}) {
      for (const int64_t samples : {0, 1, 5, 33}) {
        for (const int64_t each : {1, 7}) check_weighted<T>(samples, each, with_shares, false, reduction);
      }
      check_weighted<T>(5000, 2, with_shares, false, reduction);
      check_weighted<T>(6, 3, with_shares, true, reduction);
    }
  }
  const AxisView views[] = {{1, 40, 1}, {1, 1, 40}, {9, 5, 1}, {3, 4, 5}, {300, 3, 2}, {0, 3, 1}, {3, 0, 2}};
  for (const AxisView& view : views) check_scale<T>(view);
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_weighted_loss");
}
