// The matrix product on small integers, whose sums are exact: NN, NT and TN, every tail of the register tile,
// several blocks of k, accumulation, both biases and ReLU, on 1 to 3 threads; FASTNN_ISA chooses
// the instruction set.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/gemm.h"
#include "cpu/parallel.h"

using namespace fastnn::cpu;

namespace {

std::mt19937 generator(1);

template <class T>
std::vector<T> small_integers(int64_t count) {
  std::uniform_int_distribution<int> value(-4, 4);
  std::vector<T> values(static_cast<size_t>(count));
  for (T& x : values) x = static_cast<T>(value(generator));
  return values;
}

template <class T>
struct Case {
  GemmSize size;
  bool transpose_a, transpose_b, accumulate, bias, relu, row_bias = false;

  void run() const {
    const auto [m, n, k] = size;
    const auto a = small_integers<T>(m * k), b = small_integers<T>(k * n), bias_values = small_integers<T>(n),
               row_values = small_integers<T>(m);
    auto c = small_integers<T>(m * n);
    const auto before = c;
    const MatrixView<T> view_a = transpose_a ? transposed(a.data(), m) : row_major(a.data(), k);
    const MatrixView<T> view_b = transpose_b ? transposed(b.data(), k) : row_major(b.data(), n);
    gemm<T>(size, view_a, view_b, c.data(), accumulate,
            {bias ? bias_values.data() : nullptr, relu, row_bias ? row_values.data() : nullptr});
    bool equal = true;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const auto at = static_cast<size_t>(i * n + j);
        T sum = accumulate ? before[at] : T(0);
        for (int64_t p = 0; p < k; ++p) {
          sum += view_a.data[i * view_a.row + p * view_a.column] * view_b.data[p * view_b.row + j * view_b.column];
        }
        if (bias) sum += bias_values[static_cast<size_t>(j)];
        if (row_bias) sum += row_values[static_cast<size_t>(i)];
        equal &= c[at] == (relu ? std::max(T(0), sum) : sum);
      }
    }
    CHECK(equal);
  }
};

template <class T>
void run_sizes() {
  std::uniform_int_distribution<int64_t> pick(1, 70);
  std::uniform_int_distribution<int> coin(0, 1);
  for (int round = 0; round < 200; ++round) {
    const GemmSize size{pick(generator), pick(generator), round % 10 == 0 ? 300 + pick(generator) : pick(generator)};
    const int layout = round % 3;
    Case<T>{size,
            layout == 2,
            layout == 1,
            coin(generator) == 1,
            coin(generator) == 1,
            coin(generator) == 1,
            coin(generator) == 1}
        .run();
  }
  for (int layout = 0; layout < 3; ++layout) {
    Case<T>{{200, 190, 600}, layout == 2, layout == 1, layout == 1, true, layout == 0, layout != 1}.run();
    Case<T>{{5, 7, 0}, layout == 2, layout == 1, layout == 1, true, true}.run();
  }
}

}  // namespace

int main() {
  const auto isas = supported_isas();
  const char* wanted = std::getenv("FASTNN_ISA");
  if (wanted && std::find(isas.begin(), isas.end(), wanted) == isas.end()) {
    std::printf("not tested: this machine lacks %s\n", wanted);
    return 77;
  }
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    run_sizes<float>();
    run_sizes<double>();
  }
  return check::finish("test_gemm");
}
