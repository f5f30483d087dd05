// Rows of any width, aligned or not, and wrong indices, which touch no memory and are refused afterwards.
#include <stdexcept>

#include "../cpp/check.h"
#include "cuda/device.h"
#include "ops/gather.h"
#include "simt/call.h"

namespace {

void check_rows(int64_t row_bytes, int64_t offset) {
  const int64_t rows = 7, count = 40;
  simt::Array<uint8_t> x(rows * row_bytes, [](int64_t i) { return i % 251; }, offset), y(count * row_bytes, offset);
  simt::Array<int64_t> indices(count, [](int64_t i) { return i * 5 % 7; });
  fastnn::cuda::check_indices(indices.data(), count, rows);
  fastnn::cuda::gather(x.data(), rows, row_bytes, indices.data(), count, y.data());
  fastnn::cuda::synchronize();
  for (int64_t i = 0; i < count * row_bytes; ++i) {
    CHECK(y[i] == x[indices[i / row_bytes] * row_bytes + i % row_bytes]);
  }
}

void check_wrong(int64_t wrong, const char* message) {
  simt::Array<float> x(6, simt::noise), y(1500);
  simt::Array<int64_t> indices(500, [=](int64_t i) { return i == 300 || i == 301 ? wrong : i % 2; });
  fastnn::cuda::check_indices(indices.data(), 500, 2);
  fastnn::cuda::gather(x.data(), 2, 12, indices.data(), 500, y.data());
  std::string said;
  try {
    fastnn::cuda::synchronize();
  } catch (const std::out_of_range& error) {
    said = error.what();
  }
  CHECK(said == message);
  CHECK(y[900] == 0.0f && y[899] == x[5]);
}

}  // namespace

int main() {
  const simt::Call call;
  for (const int64_t row_bytes : {0, 1, 2, 6, 12, 16, 40, 512}) {
    for (const int64_t offset : {0, 1, 2, 4}) check_rows(row_bytes, offset);
  }
  check_wrong(2, "[gather] expected indices in [0, 2), got 2 at position 300");
  check_wrong(-1, "[gather] expected indices in [0, 2), got -1 at position 300");
  return check::finish("test_simt_gather");
}
