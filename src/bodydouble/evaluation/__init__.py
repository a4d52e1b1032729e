"""Models judged on annotated pictures: COCO's keypoint figures, OKS and error of every point, a report.

truth = read_truth("person_keypoints.json")
run = run_model(estimate.load("blazepose-full"), truth, Folder(Path("pictures")))
verdict = judge(truth, run)
"""

from bodydouble.evaluation.coco import Figures
from bodydouble.evaluation.measures import Measures, measure
from bodydouble.evaluation.pictures import Folder, present
from bodydouble.evaluation.results import Result, read_results, result_of, write_results
from bodydouble.evaluation.run import Run, Verdict, judge, run_model
from bodydouble.evaluation.truth import Truth, read_truth

__all__ = [
    "Figures",
    "Folder",
    "Measures",
    "Result",
    "Run",
    "Truth",
    "Verdict",
    "judge",
    "measure",
    "present",
    "read_results",
    "read_truth",
    "result_of",
    "run_model",
    "write_results",
]
