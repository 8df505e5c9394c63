"""A DAG whose task is a run of the Pipeline `flights`, and one that reads what it gave."""
import datetime

from airflow.sdk import dag, task
from penstock_airflow import PenstockRunOperator


@dag(schedule="@daily", start_date=datetime.datetime(2026, 11, 1), catchup=False, tags=["penstock"])
def flights():
    train = PenstockRunOperator(task_id="train", pipeline="flights", parameters={"day": "{{ ds }}"}, retries=2,
                                execution_timeout=datetime.timedelta(hours=6))

    @task
    def tell(made):
        print(f"{made['run']} gave {made['results']} and the model {made['outputs'].get('model')}")

    tell(train.output)


flights()
