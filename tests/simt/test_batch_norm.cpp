// Batch normalisation against its formulas in double, one channel at a time: planes and columns, channels in one part
// and in several, all options, large means, channels without a deviation, infinite ones, arrays that are not aligned.
#include <cmath>
#include <limits>
#include <optional>

#include "../cpp/check.h"
#include "ops/batch_norm.h"
#include "simt/comparison.h"

namespace {

using fastnn::AxisView;

struct Exact {
  double mean, m2;
};

template <class Value>
Exact exact_statistics(int64_t n, const Value& value) {
  long double sum = 0, m2 = 0;
  for (int64_t i = 0; i < n; ++i) sum += value(i);
  const long double mean = n > 0 ? sum / static_cast<long double>(n) : 0;
  for (int64_t i = 0; i < n; ++i) m2 += (value(i) - mean) * (value(i) - mean);
  return {static_cast<double>(mean), static_cast<double>(m2)};
}

struct Case {
  AxisView view;
  bool training, relu, affine, running;
  int64_t offset;

  int64_t size() const { return view.outer * view.axis_size * view.inner; }
  int64_t per_channel() const { return view.outer * view.inner; }
  // Element i of channel c.
  int64_t at(int64_t c, int64_t i) const { return simt::element(view, i, c); }
};

template <class T>
class Check {
 public:
  explicit Check(const Case& c)
      : c_(c),
        x_(
            c.size(), [](int64_t i) { return simt::noise(i) + 3; }, c.offset),
        g_(
            c.size(), [](int64_t i) { return simt::noise(i + 7777); }, c.offset),
        weight_(channels(), [](int64_t i) { return simt::noise(i + 1); }),
        bias_(channels(), [](int64_t i) { return simt::noise(i + 50); }),
        mean_(channels(), [](int64_t i) { return simt::noise(i + 90); }),
        var_(channels(), [](int64_t i) { return simt::noise(i + 130) + 5; }),
        save_mean_(channels()),
        save_invstd_(channels()) {}

  // Gradients that are not wanted, too, where `every` says so.
  void run(bool every) {
    forward();
    backward(true, true, true, every);
    if (!every) return;
    backward(true, false, false, false);
    backward(false, true, false, false);
    backward(false, false, true, true);
  }

 private:
  int64_t channels() const { return c_.view.axis_size; }
  double weight(int64_t c) { return c_.affine ? static_cast<double>(weight_[c]) : 1; }
  double bias(int64_t c) { return c_.affine ? static_cast<double>(bias_[c]) : 0; }
  // Room for the rounding of a sum and for what becomes of it.
  double room(double scale) const { return 40 * simt::eps<T> * scale; }
  void close(double given, double expected, double scale) { CHECK(std::abs(given - expected) <= room(scale)); }

  void forward() {
    simt::Array<T> y(c_.size(), c_.offset), mean(channels()), var(channels());
    for (int64_t c = 0; c < channels(); ++c) mean[c] = mean_[c], var[c] = var_[c];
    const bool running = c_.running || !c_.training;
    fastnn::cuda::batch_norm_forward<T>(
        {c_.view, x_.data(), c_.affine ? weight_.data() : nullptr, c_.affine ? bias_.data() : nullptr,
         running ? mean.data() : nullptr, running ? var.data() : nullptr},
        {.training = c_.training, .momentum = 0.3, .eps = 1e-3, .relu = c_.relu},
        {y.data(), save_mean_.data(), save_invstd_.data(), running ? mean.data() : nullptr,
         running ? var.data() : nullptr});
    for (int64_t c = 0; c < channels(); ++c) {
      check_statistics(c, mean[c], var[c]);
      for (int64_t i = 0; i < c_.per_channel(); ++i) {
        const double plain = normalized(c, i), expected = c_.relu ? std::max(0.0, plain) : plain;
        close(y[c_.at(c, i)], expected, 20);
      }
    }
    check_in_place(y);
  }

  void check_statistics(int64_t c, double new_mean, double new_var) {
    const auto n = static_cast<double>(c_.per_channel());
    const Exact exact = exact_statistics(c_.per_channel(), [&](int64_t i) { return x_[c_.at(c, i)]; });
    const double mean = exact.mean, m2 = exact.m2;
    const bool updates = c_.training && n > 0;
    const double used_mean = c_.training ? mean : static_cast<double>(mean_[c]);
    const double used_var = updates ? m2 / n : c_.training ? 0 : static_cast<double>(var_[c]);
    const double invstd = 1 / std::sqrt(used_var + 1e-3);
    CHECK(std::abs(save_mean_[c] - used_mean) <= 2 * simt::eps<T> * 8);
    CHECK(std::abs(save_invstd_[c] - invstd) <= 2 * simt::eps<T> * invstd);
    if (updates && !c_.running) return;
    close(new_mean, updates ? 0.7 * mean_[c] + 0.3 * mean : static_cast<double>(mean_[c]), 8);
    close(new_var, updates ? 0.7 * var_[c] + 0.3 * m2 / (n - 1) : static_cast<double>(var_[c]), 8);
  }

  double normalized(int64_t c, int64_t i) {
    return weight(c) * save_invstd_[c] * (x_[c_.at(c, i)] - save_mean_[c]) + bias(c);
  }

  void check_in_place(simt::Array<T>& y) {
    if (!c_.training || c_.running) return;
    simt::Array<T> same(
        c_.size(), [this](int64_t i) { return x_[i]; }, c_.offset),
        mean(channels()), invstd(channels());
    fastnn::cuda::batch_norm_forward<T>({c_.view, same.data(), c_.affine ? weight_.data() : nullptr,
                                         c_.affine ? bias_.data() : nullptr, nullptr, nullptr},
                                        {.training = true, .momentum = 0.3, .eps = 1e-3, .relu = c_.relu},
                                        {same.data(), mean.data(), invstd.data(), nullptr, nullptr});
    for (int64_t i = 0; i < c_.size(); ++i) CHECK(same[i] == y[i]);
  }

  void backward(bool wants_x, bool wants_weight, bool wants_bias, bool accumulate) {
    simt::Array<T> grad_x(c_.size(), [this](int64_t i) { return g_[i]; }, c_.offset);
    simt::Array<T> grad_weight(channels(), [](int64_t) { return 5; }), grad_bias(channels(), [](int64_t) { return 6; });
    // grad_x in place of grad_output.
    fastnn::cuda::batch_norm_backward<T>(
        {c_.view, grad_x.data(), x_.data(), c_.affine ? weight_.data() : nullptr, c_.affine ? bias_.data() : nullptr,
         save_mean_.data(), save_invstd_.data(), c_.training, c_.relu},
        {wants_x ? grad_x.data() : nullptr, wants_weight ? grad_weight.data() : nullptr,
         wants_bias ? grad_bias.data() : nullptr, accumulate});
    for (int64_t c = 0; c < channels(); ++c) {
      const auto n = static_cast<double>(c_.per_channel());
      double sum = 0, product = 0, size = 0;
      for (int64_t i = 0; i < c_.per_channel(); ++i) {
        const double g = passed(c, i), xhat = (x_[c_.at(c, i)] - save_mean_[c]) * save_invstd_[c];
        sum += g, product += g * xhat, size += std::abs(g) * (1 + std::abs(xhat));
      }
      close(grad_weight[c], wants_weight ? product + (accumulate ? 5 : 0) : 5, size + 5);
      close(grad_bias[c], wants_bias ? sum + (accumulate ? 6 : 0) : 6, size + 6);
      for (int64_t i = 0; i < c_.per_channel(); ++i) {
        const double xhat = (x_[c_.at(c, i)] - save_mean_[c]) * save_invstd_[c];
        const double centred = passed(c, i) - (c_.training ? sum / n + xhat * product / n : 0);
        const double expected = weight(c) * save_invstd_[c] * centred;
        close(grad_x[c_.at(c, i)], wants_x ? expected : static_cast<double>(g_[c_.at(c, i)]), 40);
      }
    }
  }

  // Nothing lies so near to ReLU's edge that the rounding of y decides.
  double passed(int64_t c, int64_t i) {
    return c_.relu && normalized(c, i) <= 0 ? 0 : static_cast<double>(g_[c_.at(c, i)]);
  }

  const Case c_;
  simt::Array<T> x_, g_, weight_, bias_, mean_, var_, save_mean_, save_invstd_;
};

const AxisView views[] = {{6, 5, 1},  {130, 40, 1}, {4, 3, 7}, {9, 4, 15}, {5, 2, 16},
                          {3, 2, 25}, {20, 3, 36},  {0, 3, 4}, {2, 0, 4},  {2, 3, 0}};
// Channels and columns in several parts, and many of them.
const AxisView large_views[] = {{1, 1, 8400}, {2, 2, 4099}, {2, 200, 1}, {2, 70, 16}};

template <class T>
void check_options(const AxisView& view) {
  for (const int64_t offset : {0, 1}) {
    for (const bool training : {false, true}) {
      Check<T>({view, training, true, true, true, offset}).run(true);
      Check<T>({view, training, false, false, false, offset}).run(true);
    }
  }
  Check<T>({view, true, true, false, false, 0}).run(true);
}

template <class T>
void check_large(const AxisView& view) {
  Check<T>({view, true, true, true, true, 0}).run(false);
  Check<T>({view, true, false, false, false, 1}).run(false);
}

template <class T>
struct Statistics {
  double mean, invstd;
};

template <class T>
Statistics<T> statistics(const AxisView& view, simt::Array<T>& x, double eps) {
  simt::Array<T> y(x.size()), mean(1), invstd(1);
  fastnn::cuda::batch_norm_forward<T>({view, x.data(), nullptr, nullptr, nullptr, nullptr},
                                      {.training = true, .eps = eps},
                                      {y.data(), mean.data(), invstd.data(), nullptr, nullptr});
  return {mean[0], invstd[0]};
}

// About a mean of 1e5 deviations, and about values of which the first ones are far from the rest.
void check_large_means(const AxisView& view, double mean, double first) {
  const int64_t n = view.outer * view.inner;
  simt::Array<float> x(n, [=](int64_t i) { return simt::noise(i) + mean + (i < n / 64 ? first : 0); });
  const Exact exact = exact_statistics(n, [&](int64_t i) { return x[i]; });
  const double centre = exact.mean, invstd = 1 / std::sqrt(exact.m2 / static_cast<double>(n));
  const auto given = statistics<float>(view, x, 1e-30);
  CHECK(std::abs(given.mean - centre) <= 6e-8 * std::abs(centre) + 2e-8);
  CHECK(std::abs(given.invstd - invstd) <= 1.5e-7 * invstd);
}

template <class T>
void check_constant(const AxisView& view) {
  simt::Array<T> x(view.outer * view.inner, [](int64_t) { return 1000.0 / 3; });
  const auto given = statistics<T>(view, x, 0.25);
  CHECK(given.mean == static_cast<double>(x[0]));
  CHECK(given.invstd == 2);
}

// The bits of sums do not depend on where an array lies.
template <class T>
void check_bits(const AxisView& view) {
  const int64_t n = view.outer * view.inner;
  simt::Array<T> x(n, simt::noise), shifted(n, simt::noise, 1);
  const auto given = statistics<T>(view, x, 0.25), other = statistics<T>(view, shifted, 0.25);
  CHECK(given.mean == other.mean && given.invstd == other.invstd);
}

void check_infinite(const AxisView& view) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const int64_t n = view.outer * view.inner;
  simt::Array<double> one(n, simt::noise), two(n, simt::noise);
  one[n / 2] = two[n / 3] = infinity;
  two[n - 1] = -infinity;
  CHECK(statistics<double>(view, one, 1).mean == infinity);
  CHECK(std::isnan(statistics<double>(view, one, 1).invstd));
  CHECK(std::isnan(statistics<double>(view, two, 1).mean));
}

}  // namespace

int main() {
  const simt::Call call;
  for (const AxisView& view : views) {
    check_options<float>(view);
    check_options<double>(view);
  }
  for (const AxisView& view : large_views) {
    check_large<float>(view);
    check_large<double>(view);
  }
  for (const AxisView& view : {AxisView{1000, 1, 1}, {150, 1, 8}, {16, 1, 100}, {2, 1, 9000}}) {
    for (const double mean : {0.0, 1000.0, 1e5}) check_large_means(view, mean, 0);
    check_large_means(view, 0, 1e4);
    check_bits<float>(view);
    check_bits<double>(view);
    check_constant<float>(view);
    check_constant<double>(view);
    check_infinite(view);
  }
  return check::finish("test_simt_batch_norm");
}
