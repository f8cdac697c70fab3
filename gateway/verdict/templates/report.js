// Reads a chart at the pointer. The page says the same without it.
document.querySelectorAll("svg.chart").forEach(function (chart) {
  var readings = JSON.parse(chart.dataset.readings);
  var outputs = chart.closest("figure").querySelectorAll("output");
  var at = chart.closest("figure").querySelector(".at");
  var cursor = chart.querySelector(".cursor");
  function read(event) {
    var box = chart.getBoundingClientRect();
    var x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
    var near = readings.reduce(function (best, one) {
      return Math.abs(one[0] - x) < Math.abs(best[0] - x) ? one : best;
    });
    cursor.setAttribute("x1", near[0]);
    cursor.setAttribute("x2", near[0]);
    cursor.style.opacity = 1;
    at.textContent = near[1];
    outputs.forEach(function (output, number) { output.textContent = near[2][number]; });
  }
  chart.addEventListener("pointermove", read);
  chart.addEventListener("pointerdown", read);
  chart.addEventListener("pointerleave", function () {
    cursor.style.opacity = 0;
    at.textContent = "";
    outputs.forEach(function (output) { output.textContent = ""; });
  });
});
